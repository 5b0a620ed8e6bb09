using System.IO.Compression;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Catalog;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace InferenceTemplate.Api.Models;

/// <summary>
/// The files of a form as one artifact: a zip without compression, written while the form is read. A tar would want the size of each file
/// ahead, which a form does not tell.
/// </summary>
internal static class UploadedForm
{
    public const string ContentType = "multipart/form-data";

    // RFC 2046.
    private const int MaxBoundary = 70;

    // So that the same files make the same artifact.
    private static readonly DateTimeOffset Time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static bool IsForm(HttpRequest request) => ContentType.Equals(MediaTypeOf(request), StringComparison.OrdinalIgnoreCase);

    /// <summary>The type without its parameters, whether or not those can be read; null where there is none.</summary>
    public static string? MediaTypeOf(HttpRequest request) => request.ContentType?.Split(';')[0].Trim();

    /// <summary>Throws <see cref="UploadedFormException"/> where it is read and the form is not one of files.</summary>
    public static ProducedStream Pack(HttpRequest request) => new((zip, cancellationToken) => PackAsync(request, zip, cancellationToken));

    private static async Task PackAsync(HttpRequest request, Stream target, CancellationToken cancellationToken)
    {
        var boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out var type) ? HeaderUtilities.RemoveQuotes(type.Boundary) : default;
        if (boundary.Length is 0 or > MaxBoundary)
        {
            throw new UploadedFormException($"is a form whose Content-Type names no boundary of 1 to {MaxBoundary} characters");
        }

        var (form, names) = (new MultipartReader(boundary.ToString(), request.Body), new ModelFileNames());
        var zip = await ZipArchive.CreateAsync(target, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken);
        var count = 0;
        for (; await NextAsync(form, cancellationToken) is { } part; count++)
        {
            var name = NameOf(part, names);
            var entry = zip.CreateEntry(name, CompressionLevel.NoCompression);
            entry.LastWriteTime = Time;
            await using var file = await entry.OpenAsync(cancellationToken);
            await ReadingAsync(async () =>
            {
                await part.Body.CopyToAsync(file, cancellationToken);
                return true;
            });
        }

        if (count == 0)
        {
            throw new UploadedFormException("is a form without a file; the ONNX file and those with its data are expected");
        }

        // Not where it failed: what has been written is of no use then.
        await zip.DisposeAsync();
    }

    private static Task<MultipartSection?> NextAsync(MultipartReader form, CancellationToken cancellationToken) =>
        ReadingAsync(() => form.ReadNextSectionAsync(cancellationToken));

    private static string NameOf(MultipartSection part, ModelFileNames names)
    {
        var header = part.GetContentDispositionHeader();
        if (header is null || !header.IsFileDisposition())
        {
            throw new UploadedFormException($"has the field '{ModelFileNames.Shown(header?.Name.ToString() ?? "")}', which is no file");
        }

        var given = header.FileNameStar.HasValue ? header.FileNameStar : HeaderUtilities.UnescapeAsQuotedString(header.FileName);
        var name = given.ToString();
        if (Path.GetExtension(name).ToUpperInvariant() is ".ZIP" or ".TAR")
        {
            throw new UploadedFormException($"has the archive '{ModelFileNames.Shown(name)}' in a form; send it as the body itself");
        }

        return names.Add(name) is { } refusal ? throw new UploadedFormException($"is a form that is refused: {refusal}") : name;
    }

    // The reader throws what a file or socket would throw too; those have types of their own.
    private static async Task<T> ReadingAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception exception) when (exception is InvalidDataException || exception.GetType() == typeof(IOException))
        {
            throw new UploadedFormException("is a form that is cut off or can't be read");
        }
    }
}

/// <summary>The form is not one of a model's files; the message says why, for whoever sent it.</summary>
internal sealed class UploadedFormException(string message) : Exception(message);
