namespace InferenceTemplate.AppHost.Commands;

/// <summary>
/// What an administrator does with a running platform, by the Api's own endpoints: commands in the Aspire dashboard, and
/// <c>aspire resource operations NAME</c>. A resource of its own, since a command of the Api would run on each of its replicas.
/// </summary>
internal sealed class OperationsResource(string name) : Resource(name), IResourceWithEndpoints;

internal static class Operations
{
    /// <summary>On a developer's machine only.</summary>
    public static void AddOperations(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api, IResourceBuilder<ParameterResource> adminSecret)
    {
        if (builder.ExecutionContext.IsPublishMode)
        {
            return;
        }

        var administration = new Administration(api.GetEndpoint("http"), adminSecret.Resource);
        builder.AddResource(new OperationsResource(Resources.Operations))
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = "Operations",
                Properties = [],
                State = KnownResourceStates.Running,
            })
            .WithIconName("Wrench")
            .WithParentRelationship(api)
            .WithModelCommands(administration)
            .WithDeadLetterCommands(administration)
            .WithKeyCommands(administration);
    }
}
