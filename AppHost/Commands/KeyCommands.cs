using System.Text.Json.Nodes;

namespace InferenceTemplate.AppHost.Commands;

/// <summary>API keys for callers.</summary>
internal static class KeyCommands
{
    private const string Name = "name";
    private const string Role = "role";

    private static readonly KeyValuePair<string, string>[] s_roles =
    [
        new("user", "User: asks models"), new("service", "Service: asks models for others"), new("admin", "Administrator"),
    ];

    public static IResourceBuilder<OperationsResource> WithKeyCommands(
        this IResourceBuilder<OperationsResource> operations, Administration administration) =>
        administration.Add(
            operations,
            "make-key",
            "Make an API key",
            new()
            {
                Description = "Makes a key of the default tenant. Its secret is shown this once.",
                Arguments =
                [
                    Administration.Text(Name, "Name"),
                    new() { Name = Role, Label = "Role", InputType = InputType.Choice, Required = true, Options = s_roles,
                        Value = s_roles[0].Key },
                ],
                IconName = "Key",
            },
            arguments => (
                "/v1/keys",
                Administration.Json(new JsonObject { [Name] = arguments.GetString(Name), [Role] = arguments.GetString(Role) })));
}
