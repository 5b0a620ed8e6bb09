using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Models;

/// <summary>
/// <c>POST /v1/models/{m}/versions[?version=N]</c>: a new version, its ONNX file being the body; where it has several files, a zip or
/// tar of them, or a form. It is streamed into the store; 202, since a worker has yet to open it.
/// </summary>
internal static class UploadVersion
{
    private static readonly string[] ContentTypes =
    [
        "application/octet-stream", "application/x-protobuf", "application/protobuf", "application/onnx",
        "application/zip", "application/x-zip-compressed", "application/x-tar", UploadedForm.ContentType,
    ];

    public static void MapUpload(this IEndpointRouteBuilder models) => models.MapPost("/{model}/versions", PostAsync)
        .WithSummary("Upload a version: the body is its ONNX file, or a zip, a tar or a form of its files")
        .WithDescription("It is pending until a worker has opened it. Content-Digest or X-Content-SHA256 is compared, but of a form.")
        .WithBody<byte[]>(otherMedia: ["application/zip", "application/x-tar", UploadedForm.ContentType])
        .Produces<VersionDetails>(StatusCodes.Status202Accepted)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType);

    private static async Task<IResult> PostAsync(
        string model,
        HttpContext context,
        ModelCatalog catalog,
        ModelRegistry registry,
        ArtifactStore artifacts,
        IOptions<ModelUploadOptions> options,
        CancellationToken cancellationToken,
        string? version = null)
    {
        var request = context.Request;
        if (Check(model, version, request, out var declared) is { } wrong)
        {
            return wrong;
        }

        var maxBytes = options.Value.MaxUploadBytes;
        if (request.ContentLength > maxBytes)
        {
            return TooLarge(maxBytes);
        }

        // Before gigabytes are sent for nothing; whether it is still free is decided when they are there.
        if (version is not null && (await catalog.SnapshotAsync(cancellationToken)).AllVersionsOf(model).Any(v => v.Version == version))
        {
            return RegistryProblem.Conflict(
                $"Version {version} of '{model}' exists: a version never changes. Give another, or none for the next.",
                "version").ToResult();
        }

        // The server's limit is for inference requests. One more than allowed, so that it is this code that answers.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = maxBytes + 1;
        StagedArtifact staged;
        await using var form = UploadedForm.IsForm(request) ? UploadedForm.Pack(request) : null;
        try
        {
            staged = await artifacts.StageAsync(form ?? request.Body, maxBytes, cancellationToken);
        }
        catch (Exception exception) when (exception is ArtifactTooLargeException
            or BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
        {
            return TooLarge(maxBytes);
        }
        catch (UploadedFormException exception)
        {
            return ModelProblems.Invalid("body", exception.Message);
        }

        if (staged.SizeBytes == 0 || (declared is not null && declared != staged.Sha256))
        {
            await artifacts.DiscardAsync(staged.Blob);
            return staged.SizeBytes == 0
                ? ModelProblems.Invalid("body", "is empty; the ONNX file is expected")
                : ModelProblems.Invalid(
                    ContentHash.DigestHeader, $"says that the body's SHA-256 is {declared}, but {staged.Sha256} arrived");
        }

        var (added, problem) = await registry.AddAsync(
            new NewVersion(model, version, staged, context.User.Actor()) { UploaderModels = context.User.Models() }, cancellationToken);
        if (added is null)
        {
            return problem!.ToResult();
        }

        var details = VersionDetails.From(added, (await catalog.SnapshotAsync(cancellationToken)).SettingsOf(model));
        return TypedResults.Json(details, ModelsJson.Default.VersionDetails, statusCode: StatusCodes.Status202Accepted).At(
            context, $"/v1/models/{model}/versions/{added.Version}");
    }

    private static IResult? Check(string model, string? version, HttpRequest request, out string? declared)
    {
        declared = null;
        if (!ModelNames.IsModel(model))
        {
            return ModelProblems.Invalid("model", $"must be {ModelNames.ModelRule}");
        }

        if (version is not null && !ModelNames.IsVersion(version))
        {
            return ModelProblems.Invalid("version", $"must be {ModelNames.VersionRule}; leave it out for the next");
        }

        var type = UploadedForm.MediaTypeOf(request);
        if (!string.IsNullOrEmpty(type) && !ContentTypes.Contains(type, StringComparer.OrdinalIgnoreCase))
        {
            return TypedResults.Problem(
                $"The body is {type}; the ONNX file itself is expected, as {ContentTypes[0]}, or its files as application/zip, "
                + $"application/x-tar or {UploadedForm.ContentType}.",
                statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        if (ContentCoding.Of(request) is { Length: > 0 } coding)
        {
            return TypedResults.Problem(
                $"Content-Encoding: '{coding}' is not taken for a model's files; send them as they are",
                statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        if (!ContentHash.TryRead(request, out declared, out var header))
        {
            return ModelProblems.Invalid(
                header, $"can't be read: '{ContentHash.DigestHeader}: sha-256=:<base64>:' or '{ContentHash.HexHeader}: <hex>' is expected");
        }

        return declared is not null && UploadedForm.IsForm(request)
            ? ModelProblems.Invalid(header, "can't be compared with a form, which is stored as a zip: leave it out, or send a zip or tar")
            : null;
    }

    private static ProblemHttpResult TooLarge(long maxBytes) =>
        TypedResults.Problem(
            $"The body is larger than {maxBytes} bytes (Models:MaxUploadBytes).", statusCode: StatusCodes.Status413PayloadTooLarge);

    private static IResult At(this IResult result, HttpContext context, string location)
    {
        context.Response.Headers.Location = location;
        return result;
    }
}
