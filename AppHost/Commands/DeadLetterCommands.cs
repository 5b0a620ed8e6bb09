namespace InferenceTemplate.AppHost.Commands;

/// <summary>Requests that failed too often, of one version's queue.</summary>
internal static class DeadLetterCommands
{
    private const string Model = "model";
    private const string Version = "version";

    public static IResourceBuilder<OperationsResource> WithDeadLetterCommands(
        this IResourceBuilder<OperationsResource> operations, Administration administration)
    {
        administration.Add(
            operations,
            "requeue-dead-letters",
            "Requeue dead letters",
            new()
            {
                Description = "Puts all dead letters of a version back into its queue.",
                Arguments = [Administration.Text(Model, "Model"), Administration.Text(Version, "Version")],
                IconName = "ArrowRedo",
            },
            arguments => ($"{Letters(arguments)}/requeue", null));
        return administration.Add(
            operations,
            "purge-dead-letters",
            "Purge dead letters",
            new()
            {
                Description = "Removes all dead letters of a version.",
                Method = HttpMethod.Delete,
                Arguments = [Administration.Text(Model, "Model"), Administration.Text(Version, "Version")],
                ConfirmationMessage = "The requests are lost for good.",
                IconName = "Delete",
            },
            arguments => (Letters(arguments), null));
    }

    private static string Letters(InteractionInputCollection arguments) =>
        $"/v1/queues/{Administration.Segment(arguments, Model)}/{Administration.Segment(arguments, Version)}/dead-letters";
}
