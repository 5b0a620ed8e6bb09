using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>Says of each operation who may call it: whoever its endpoint's policy lets.</summary>
internal sealed class OperationAccess : IOpenApiOperationTransformer
{
    /// <summary>Whether an endpoint wants a caller who is known; one that says nothing does.</summary>
    public static bool IsAuthorized(OpenApiOperationTransformerContext context) =>
        !context.Description.ActionDescriptor.EndpointMetadata.OfType<IAllowAnonymous>().Any();

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (!IsAuthorized(context))
        {
            operation.Security = [];
            return Task.CompletedTask;
        }

        operation.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiDescription.Bearer, context.Document)] = [] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiDescription.ApiKey, context.Document)] = [] },
        ];
        var policies = context.Description.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>()
            .Select(a => a.Policy).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        if (policies.Count > 0)
        {
            var needed = $"Needs a role that may: {string.Join(", ", policies)}.";
            operation.Description = string.IsNullOrEmpty(operation.Description) ? needed : $"{operation.Description} {needed}";
        }

        return Task.CompletedTask;
    }
}
