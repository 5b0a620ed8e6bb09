using System.Security.Claims;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Models;

/// <summary>
/// <c>PUT</c>, <c>GET</c> and <c>DELETE /v1/models/{m}/versions/{v}/sample</c>: an inference request that the version takes. Workers
/// warm it up with that, and try with it whether callers may share runs, which made-up inputs can't always tell.
/// </summary>
internal static class Samples
{
    private const string Path = "/{model}/versions/{version}/sample";

    public static void MapSampleRead(this IEndpointRouteBuilder models) => models.MapGet(Path, GetAsync)
        .WithSummary("The sample request of a version, as it was sent")
        .Produces<InferRequestDocument>();

    public static void MapSample(this IEndpointRouteBuilder models)
    {
        models.MapPut(Path, PutAsync)
            .WithSummary("Give a version a sample request: JSON as /infer takes it")
            .WithDescription(
                "Workers warm the version up with it, and try again whether callers may share runs; what was found before holds till then. "
                + "Rows that differ tell more than one.")
            .WithBody<InferRequestDocument>(InferExamples.Request)
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType);
        models.MapDelete(Path, DeleteAsync)
            .WithSummary("Remove the sample request of a version")
            .Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> GetAsync(
        string model, string version, ModelCatalog catalog, SampleRequests samples, CancellationToken cancellationToken)
    {
        if ((await catalog.RefreshAsync(cancellationToken)).FindAny(model, version) is not { } found)
        {
            return ModelReads.Unknown(model, version);
        }

        return await samples.JsonOfAsync(model, found.Version, cancellationToken) is { } json
            ? TypedResults.Bytes(json, "application/json")
            : None(model, found.Version).ToResult();
    }

    private static async Task<IResult> PutAsync(
        string model, string version, HttpRequest request, ClaimsPrincipal caller, ModelRegistry registry, InferInput input,
        CancellationToken cancellationToken)
    {
        if (request.Headers.ContainsKey(InferRequest.HeaderLength))
        {
            return Wrong($"{InferRequest.HeaderLength}: a sample request is all JSON; send it without raw tensors and this header");
        }

        try
        {
            using var body = await RequestBody.ReadAsync(request, SampleRequest.MaxBytes, cancellationToken);
            var problem = await registry.ChangeAsync(
                model, change => SetAsync(change, version, body, input, caller.Actor(), cancellationToken), cancellationToken);
            return problem?.ToResult() ?? TypedResults.NoContent();
        }
        catch (InvalidInferBodyException exception)
        {
            return Wrong(exception.Message);
        }
        catch (BadHttpRequestException exception)
        {
            return Wrong(exception.Message, exception.StatusCode);
        }
    }

    private static async Task<RegistryProblem?> SetAsync(
        ModelChange change, string version, RequestBody body, InferInput input, string actor, CancellationToken cancellationToken)
    {
        if (await change.LockAsync(version, cancellationToken) is not { } row)
        {
            return change.Unknown(version);
        }

        if (row.State != VersionState.Ready)
        {
            return RegistryProblem.Conflict(row.State == VersionState.Pending
                ? $"Version {row.Version} of '{row.Model}' has not been inspected yet: send its sample request once it is ready."
                : $"Version {row.Version} of '{row.Model}' was rejected, and takes no requests: {row.Reason}");
        }

        var inputs = InOrder(row.Signature, input.Read(body.Span, row, change.Model.Settings, isSample: true).Inputs);
        row.HasSample = true;
        row.OutdateProof();
        var sample = await change.Database.SampleRequests.FindAsync([row.Model, row.Version], cancellationToken);
        if (sample is null)
        {
            change.Database.SampleRequests.Add(
                new SampleRequest { Model = row.Model, Version = row.Version, Json = body.Span.ToArray(), Inputs = inputs });
        }
        else
        {
            (sample.Json, sample.Inputs, sample.HasRun) = (body.Span.ToArray(), inputs, false);
        }

        change.Record(ModelEventKinds.SampleSet, actor, row.Version, $"{body.Span.Length} bytes");
        return null;
    }

    private static async Task<IResult> DeleteAsync(
        string model, string version, ClaimsPrincipal caller, ModelRegistry registry, CancellationToken cancellationToken)
    {
        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                if (await change.LockAsync(version, cancellationToken) is not { } row)
                {
                    return change.Unknown(version);
                }

                if (await change.Database.SampleRequests.FindAsync([row.Model, row.Version], cancellationToken) is not { } sample)
                {
                    return None(row.Model, row.Version);
                }

                row.HasSample = false;
                row.OutdateProof();
                change.Database.SampleRequests.Remove(sample);
                change.Record(ModelEventKinds.SampleRemoved, caller.Actor(), row.Version);
                return null;
            },
            cancellationToken);
        return problem?.ToResult() ?? TypedResults.NoContent();
    }

    private static Tensor[] InOrder(ModelSignature signature, Tensor[] given) =>
        [.. signature.Inputs.Concat(signature.OptionalInputs).Select(i => Array.Find(given, g => g.Name == i.Name)).OfType<Tensor>()];

    private static RegistryProblem None(string model, string version) => RegistryProblem.NotFound(
        $"Version {version} of '{model}' has no sample request. Give it one: PUT the JSON of an inference request here.");

    private static ProblemHttpResult Wrong(string message, int status = StatusCodes.Status400BadRequest) =>
        TypedResults.Problem(message, statusCode: status);
}
