using System.CommandLine;
using InferenceTemplate.Api.Admin;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Keys;

/// <summary><c>admin keys create|list|rotate|revoke</c>.</summary>
internal static class KeyCommands
{
    private const int PageSize = 100;

    private static readonly Actor Shell = new(AdminOutput.Actor, TenantId: null);

    private static readonly Option<bool> Json = AdminOutput.Json();
    private static readonly Argument<string> Key = new("key") { Description = "Id of the key, or its prefix." };

    public static Command Create(IServiceProvider services) => new("keys", "API keys.")
    {
        CreateVerb(services), ListVerb(services), RotateVerb(services), RevokeVerb(services),
    };

    private static Command CreateVerb(IServiceProvider services)
    {
        var name = new Option<string>("--name") { Description = "Whom it is for.", Required = true };
        var role = new Option<string>("--role") { Description = "admin, user or service.", Required = true };
        var tenant = new Option<string>("--tenant") { Description = "Whose it is.", DefaultValueFactory = _ => Tenant.DefaultId };
        var models = new Option<string[]>("--model")
        {
            Description = "A model that it opens; may be repeated. All of the tenant's without.",
        };
        var lifetime = new Option<TimeSpan?>("--lifetime")
        {
            Description = "After which it ends, such as 90.00:00:00 (90 days). Never without.",
        };
        var command = new Command("create", "Makes a key and shows it, this once.") { name, role, tenant, models, lifetime, Json };
        command.SetRun(async (parsed, cancellationToken) =>
        {
            var scope = parsed.GetValue(models);
            var wanted = new NewApiKey(
                parsed.GetRequiredValue(name),
                parsed.GetRequiredValue(tenant),
                parsed.GetRequiredValue(role),
                scope is { Length: > 0 } ? scope : null,
                Now(services) + parsed.GetValue(lifetime));
            return Told(parsed, services, await Keys(services).CreateAsync(wanted, Shell, cancellationToken));
        });
        return command;
    }

    private static Command ListVerb(IServiceProvider services)
    {
        var tenant = new Option<string>("--tenant") { Description = "Only this tenant's." };
        var prefix = new Option<string>("--prefix") { Description = "Only those whose prefix begins so." };
        var command = new Command("list", "Shows keys, the newest first, without their secrets.") { tenant, prefix, Json };
        command.SetRun(async (parsed, cancellationToken) =>
        {
            var views = new List<KeyView>();
            IReadOnlyList<ApiKey> page;
            Guid? before = null;
            do
            {
                page = await Keys(services)
                    .ListAsync(parsed.GetValue(tenant), parsed.GetValue(prefix), before, PageSize, cancellationToken);
                views.AddRange(page.Select(k => KeyView.Of(k, Now(services))));
                before = page.Count > 0 ? page[^1].Id : null;
            }
            while (page.Count == PageSize);

            Write(parsed, views);
            return 0;
        });
        return command;
    }

    private static Command RotateVerb(IServiceProvider services)
    {
        var overlap = new Option<TimeSpan>("--overlap")
        {
            Description = "How long the old key goes on; 00:00:00 ends it at once.",
            DefaultValueFactory = _ => ApiKeyRegistry.DefaultOverlap,
        };
        var command = new Command("rotate", "Makes a key in place of another and shows it, this once.") { Key, overlap, Json };
        command.SetRun(async (parsed, cancellationToken) => await FindAsync(parsed, services, cancellationToken) is { } key
            ? Told(parsed, services,
                await Keys(services).RotateAsync(key.Id, parsed.GetValue(overlap), Shell, cancellationToken))
            : Unknown(parsed));
        return command;
    }

    private static Command RevokeVerb(IServiceProvider services)
    {
        var command = new Command("revoke", "Ends a key, within a second.") { Key, Json };
        command.SetRun(async (parsed, cancellationToken) =>
        {
            if (await FindAsync(parsed, services, cancellationToken) is not { } key)
            {
                return Unknown(parsed);
            }

            var revoked = await Keys(services).RevokeAsync(key.Id, Shell, cancellationToken);
            Write(parsed, [KeyView.Of(revoked!, Now(services))]);
            return 0;
        });
        return command;
    }

    private static ApiKeyRegistry Keys(IServiceProvider services) => services.GetRequiredService<ApiKeyRegistry>();

    private static DateTimeOffset Now(IServiceProvider services) => services.GetRequiredService<TimeProvider>().GetUtcNow();

    private static async Task<ApiKey?> FindAsync(ParseResult parsed, IServiceProvider services, CancellationToken cancellationToken)
    {
        var key = parsed.GetRequiredValue(Key);
        return Guid.TryParse(key, out var id)
            ? await Keys(services).FindAsync(id, cancellationToken)
            : (await Keys(services).ListAsync(null, key, null, PageSize, cancellationToken)).FirstOrDefault(k => k.Prefix == key);
    }

    private static int Unknown(ParseResult parsed) => AdminOutput.Failed($"There is no API key '{parsed.GetRequiredValue(Key)}'.");

    private static int Told(ParseResult parsed, IServiceProvider services, (IssuedApiKey? Issued, ApiKeyProblem? Problem) outcome)
    {
        if (outcome.Problem is { } problem)
        {
            return AdminOutput.Failed(problem.Field is null ? problem.Message : $"{problem.Field}: {problem.Message}");
        }

        var view = KeyView.Of(outcome.Issued!, Now(services));
        Write(parsed, [view]);
        if (!parsed.GetValue(Json))
        {
            Console.WriteLine($"\n{view.Key}\n\nKeep it: it is not shown again.");
        }

        return 0;
    }

    private static void Write(ParseResult parsed, IReadOnlyList<KeyView> views)
    {
        if (parsed.GetValue(Json))
        {
            AdminOutput.WriteJson(views, KeysJson.Default.KeyView);
            return;
        }

        AdminOutput.WriteTable(
            ["ID", "PREFIX", "NAME", "TENANT", "ROLE", "MODELS", "STATE", "CREATED", "ENDS"],
            views.Select(v => (string[])
            [
                v.Id.ToString(), v.Prefix, v.Name, v.Tenant, v.Role, v.Models is null ? "all" : string.Join(',', v.Models), v.State,
                AdminOutput.Time(v.CreatedAt), AdminOutput.Time(v.RevokedAt ?? v.ExpiresAt),
            ]));
    }
}
