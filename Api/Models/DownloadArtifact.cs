using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace InferenceTemplate.Api.Models;

/// <summary><c>GET /v1/models/{m}/versions/{v}/artifact</c>: the ONNX file or the archive, in any state of the version.</summary>
internal static class DownloadArtifact
{
    public static void MapDownload(this IEndpointRouteBuilder models) => models.MapGet("/{model}/versions/{version}/artifact", GetAsync)
        .WithSummary("The ONNX file of a version, or the archive of its files")
        .Produces(StatusCodes.Status200OK, null, "application/octet-stream", "application/zip", "application/x-tar");

    private static async Task<IResult> GetAsync(
        string model, string version, ModelCatalog catalog, ArtifactStore artifacts, HttpResponse response,
        CancellationToken cancellationToken)
    {
        if ((await catalog.RefreshAsync(cancellationToken)).FindAny(model, version) is not { } found)
        {
            return ModelReads.Unknown(model, version);
        }

        PeekedStream content;
        try
        {
            content = await PeekedStream.OpenAsync(
                await artifacts.OpenReadAsync(found.Sha256, cancellationToken), ArtifactFormats.HeadBytes, cancellationToken);
        }
        catch (ArtifactMissingException)
        {
            // Deleted meanwhile, or lost.
            if ((await catalog.RefreshAsync(cancellationToken)).FindAny(model, version)?.Sha256 != found.Sha256)
            {
                return ModelReads.Unknown(model, version);
            }

            throw;
        }

        var format = ArtifactFormats.Of(content.Head);

        // Told before it is known to be true: a damaged file breaks the answer off instead of ending it.
        // Not where the caller's conditions end it without a body.
        response.OnStarting(() =>
        {
            response.ContentLength = response.StatusCode == StatusCodes.Status200OK ? found.SizeBytes : null;
            return Task.CompletedTask;
        });
        response.Headers.Append("Repr-Digest", $"sha-256=:{Convert.ToBase64String(Convert.FromHexString(found.Sha256))}:");
        FileStreamHttpResult file = TypedResults.Stream(
            content, format.ContentType(), $"{model}-{found.Version}{format.Extension()}",
            entityTag: new EntityTagHeaderValue($"\"{found.Sha256}\""));
        return file;
    }
}
