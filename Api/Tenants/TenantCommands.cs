using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceTemplate.Api.Admin;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Tenants;

/// <summary><c>admin tenants create|list|show|suspend|resume|set-limits|delete</c>. Output is JSON, one object a line.</summary>
internal static class TenantCommands
{
    private const int PageSize = 100;

    private static readonly Actor Shell = new(AdminOutput.Actor, TenantId: null);

    private static readonly Argument<string> Id = new("id") { Description = "The tenant." };

    // As a field of the API, with its values: a number, 'default' for the platform's limit, 0 for none.
    private static readonly (Option<string> Option, string Field)[] Settings =
    [
        (new("--name") { Description = "What people call it." }, "name"),
        (new("--requests-per-minute") { Description = "Requests a minute." }, "requests_per_minute"),
        (new("--burst") { Description = "Requests that may come at once." }, "burst"),
        (new("--max-concurrency") { Description = "Calls that may wait or run." }, "max_concurrency"),
        (new("--monthly-inferences") { Description = "Inferences in a calendar month." }, "monthly_inferences"),
        (new("--monthly-budget") { Description = "What a calendar month may cost." }, "monthly_budget"),
        (new("--monthly-tokens") { Description = "Tokens of prompts and answers in a calendar month." }, "monthly_tokens"),
        (new("--allow-overdraft") { Description = "true: monthly limits stop nothing." }, "allow_overdraft"),
        (new("--models") { Description = "Names with commas between them; 'default' for all." }, "models"),
        (new("--priority-ceiling") { Description = "high, normal or low; 'default' for any." }, "priority_ceiling"),
        (new("--retention-days") { Description = "How long records are kept." }, "retention_days"),
    ];

    public static Command Create(IServiceProvider services)
    {
        var deleted = new Option<bool>("--deleted") { Description = "Also those that were deleted." };
        var list = new Command("list", "Shows all tenants.") { deleted };
        list.SetAction((parsed, cancellationToken) => ListAsync(services, parsed.GetValue(deleted), cancellationToken));
        return new("tenants",
            "Who shares the platform, and how much of it each may have. In options 'default' is the platform's limit, 0 is none.")
        {
            list,
            Verb("create", "Adds one.", services, (store, id, patch, cancellation) =>
            {
                var (settings, problem) = TenantBody.Merge(new TenantSettings { Name = id }, patch);
                return settings is null
                    ? Task.FromResult<(Tenant?, TenantProblem?)>((null, problem))
                    : store.CreateAsync(id, settings, Shell, cancellation);
            }, withSettings: true),
            Verb("show", "Shows one.", services, async (store, id, _, cancellation) => await store.FindAsync(id, cancellation) is { } tenant
                ? (tenant, null)
                : (null, new TenantProblem(TenantProblemKind.NotFound, $"There is no tenant '{id}'."))),
            Verb("suspend", "Refuses all its credentials.", services,
                (store, id, _, cancellation) => store.SuspendAsync(id, Shell, cancellation)),
            Verb("resume", "Takes that back.", services, (store, id, _, cancellation) => store.ResumeAsync(id, Shell, cancellation)),
            Verb("set-limits", "Changes what is given.", services, (store, id, patch, cancellation) =>
                store.UpdateAsync(id, present => TenantBody.Merge(present, patch), Shell, cancellation), withSettings: true),
            Verb("delete", "Ends it; its data go later.", services,
                (store, id, _, cancellation) => store.DeleteAsync(id, Shell, cancellation)),
        };
    }

    private static Command Verb(
        string name, string description, IServiceProvider services,
        Func<TenantStore, string, JsonObject, CancellationToken, Task<(Tenant? Tenant, TenantProblem? Problem)>> run,
        bool withSettings = false)
    {
        var command = new Command(name, description) { Id };
        foreach (var (option, _) in withSettings ? Settings : [])
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var patch = withSettings ? Patch(parsed) : [];
            var (tenant, problem) = await run(
                services.GetRequiredService<TenantStore>(), parsed.GetRequiredValue(Id), patch, cancellationToken);
            if (tenant is null)
            {
                await Console.Error.WriteLineAsync(problem!.Message);
                return 1;
            }

            Write(services, tenant);
            return 0;
        });
        return command;
    }

    private static JsonObject Patch(ParseResult parsed)
    {
        var patch = new JsonObject();
        foreach (var (option, field) in Settings)
        {
            if (parsed.GetValue(option) is { } text)
            {
                patch[field] = Value(field, text);
            }
        }

        return patch;
    }

    // What is not a number stays text, and is refused by name where one is expected.
    private static JsonNode? Value(string field, string text) => (field, text) switch
    {
        ("name", _) => text,
        (_, "default") => null,
        ("models", _) => new JsonArray(
            [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(m => (JsonNode)m)]),
        ("allow_overdraft", "true" or "false") => text == "true",
        _ when decimal.TryParse(
            text, System.Globalization.NumberStyles.Number, System.Globalization.CultureInfo.InvariantCulture, out var number) => number,
        _ => text,
    };

    private static async Task<int> ListAsync(IServiceProvider services, bool deleted, CancellationToken cancellationToken)
    {
        var store = services.GetRequiredService<TenantStore>();
        string? after = null;
        while (await store.ListAsync(deleted, after, PageSize, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var tenant in page)
            {
                Write(services, tenant);
            }

            after = page[^1].Id;
        }

        return 0;
    }

    private static void Write(IServiceProvider services, Tenant tenant) => Console.WriteLine(JsonSerializer.Serialize(
        TenantView.Of(tenant, services.GetRequiredService<IOptions<TenantOptions>>().Value), TenantsJson.Default.TenantView));
}
