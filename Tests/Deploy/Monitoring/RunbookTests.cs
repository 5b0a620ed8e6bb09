using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>docs/runbooks.md has a page for each case, whose commands parse and which names only what exists.</summary>
public sealed partial class RunbookTests(Charts charts, Servers servers)
{
    // Rows R1 and R3 of the production checklist.
    private static readonly string[] s_cases =
    [
        "Deploy", "Roll back", "Scale", "Back up", "Restore", "Model update", "Incident response", "Database down", "Redis down",
        "GPU failure",
        "Region failure", "Key compromise", "Incidents", "On-call and escalation", "Post-mortem", "Change management", "Quarterly drill",
    ];

    // Routine and planned: nothing is noticed. Rules for people.
    private static readonly string[] s_withoutNotice =
        ["Deploy", "Back up", "Quarterly drill", "Incident response", "On-call and escalation", "Change management", "Post-mortem",
            "Before you begin", "Incidents", "Routine", "Alerts", "Disasters"];

    private static readonly string[] s_withoutProof =
        ["Incident response", "On-call and escalation", "Change management", "Post-mortem", "Before you begin", "Incidents", "Routine",
            "Alerts", "Disasters"];

    private static readonly string s_text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "runbooks.md"));

    private static readonly IReadOnlyDictionary<string, string> s_parts = Part().Matches(s_text)
        .ToDictionary(found => found.Groups["title"].Value, found => found.Groups["text"].Value, StringComparer.Ordinal);

    private static string Commands => string.Join('\n', Block().Matches(s_text).Select(found => found.Groups["block"].Value));

    [Fact]
    public void Each_case_says_how_it_is_noticed_and_how_one_knows_that_it_worked()
    {
        Assert.Empty(s_cases.Except(s_parts.Keys));
        Assert.All(s_parts.Keys.Except(s_withoutNotice), title => Assert.Contains("Notice", s_parts[title], StringComparison.Ordinal));
        Assert.All(s_parts.Keys.Except(s_withoutProof), title => Assert.Contains("Worked:", s_parts[title], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Commands_parse()
    {
        var blocks = Block().Matches(s_text).Select(found => found.Groups["block"].Value).ToList();
        Assert.True(blocks.Count >= 20, $"{blocks.Count} blocks");
        foreach (var block in blocks)
        {
            var result = await Tool.RunAsync("bash", ["-n", "-c", block]);
            Assert.True(result.ExitCode == 0, block + result.All);
        }
    }

    [Fact]
    public async Task Objects_of_the_cluster_are_those_of_the_chart()
    {
        string[] installations =
            ["production monitoring=true", "production database=cloudnativepg backups.enabled=true backups.recipient=key"];
        var objects = (await Task.WhenAll(installations.Select(charts.OfAsync))).SelectMany(each => each.All).ToList();
        var names = objects.Select(each => $"{Kind(each.Kind)}/{each.Json.Text("metadata", "name")}").ToHashSet(StringComparer.Ordinal);
        var components = objects.Select(each => each.Json.Entries("metadata", "labels"))
            .Where(labels => labels.ContainsKey("app.kubernetes.io/component"))
            .Select(labels => labels["app.kubernetes.io/component"]).Append("exporter").ToHashSet(StringComparer.Ordinal);

        var named = Object().Matches(s_text).Select(found => found.Value).ToHashSet(StringComparer.Ordinal);
        Assert.True(named.Count >= 8, string.Join(' ', named));
        Assert.Empty(named.Except(names));
        Assert.Empty(Label().Matches(s_text).Select(found => found.Groups["component"].Value).Except(components));
    }

    /// <summary>But for what goes to nodes, to the whole cluster or by helm, which takes the rights of who installs the chart.</summary>
    [Fact]
    public void Operators_may_do_what_the_runbooks_have_them_do()
    {
        var file = Path.Combine(Repository.Root, "deploy", "cluster", "operators.yaml");
        var rules = RenderedObjects.Parse(File.ReadAllText(file)).OfKind("Role").Single().Json.Items("rules").ToList();
        var needed = Kubectl().Matches(Commands.Replace("\\\n", " ", StringComparison.Ordinal))
            .SelectMany(call => Rights(call.Groups["call"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Distinct().ToList();

        Assert.True(needed.Count >= 15, string.Join('\n', needed));
        Assert.All(needed, right => Assert.True(rules.Exists(rule => Allows(rule, right)), $"{right} is not allowed"));
    }

    private static bool Allows(JsonNode rule, (string Group, string Resource, string Verb) right)
    {
        bool Has(string list, string word) => rule.Items(list).Any(each => each.ToString() == word || each.ToString() == "*");
        return Has("apiGroups", right.Group) && Has("resources", right.Resource) && Has("verbs", right.Verb);
    }

    private static IEnumerable<(string Group, string Resource, string Verb)> Rights(string[] words)
    {
        // kubectl takes several kinds at once, and objects as kind/name.
        var kinds = words.Skip(words[0] == "rollout" ? 2 : 1)
            .Where(word => !word.StartsWith('-')).SelectMany(word => word.Trim('"').Split(','))
            .Select(word => word.Split('/')[0]).Where(s_kinds.ContainsKey).Select(kind => s_kinds[kind]).ToList();
        return (words[0], words.ElementAtOrDefault(1)) switch
        {
            ("config" or "apply" or "cordon" or "drain", _) or ("describe" or "get", "node") or ("create", "secret") => [],
            ("exec", _) => [("", "pods/exec", "create")],
            ("port-forward", _) => [("", "pods/portforward", "create")],
            ("logs", _) => [("", "pods/log", "get")],
            ("top", _) => [("metrics.k8s.io", "pods", "list")],
            ("create", _) => [("batch", "jobs", "create")], // of restore-job.sh
            ("get" or "describe", _) => kinds.Select(kind => (kind.Group, kind.Resource, "get")),
            ("scale", _) => kinds.Select(kind => (kind.Group, $"{kind.Resource}/scale", "patch")),
            ("annotate" or "patch" or "rollout", _) => kinds.Select(kind => (kind.Group, kind.Resource, "patch")),
            ("delete", _) => kinds.Select(kind => (kind.Group, kind.Resource, "delete")),
            var (verb, _) => throw new InvalidDataException($"What kubectl {verb} takes is not known here."),
        };
    }

    private static readonly Dictionary<string, (string Group, string Resource)> s_kinds = new(StringComparer.Ordinal)
    {
        ["pods"] = ("", "pods"),
        ["pod"] = ("", "pods"),
        ["pvc"] = ("", "persistentvolumeclaims"),
        ["secret"] = ("", "secrets"),
        ["service"] = ("", "services"),
        ["deployment"] = ("apps", "deployments"),
        ["statefulset"] = ("apps", "statefulsets"),
        ["cronjob"] = ("batch", "cronjobs"),
        ["job"] = ("batch", "jobs"),
        ["hpa"] = ("autoscaling", "horizontalpodautoscalers"),
        ["scaledobject"] = ("keda.sh", "scaledobjects"),
        ["cluster"] = ("postgresql.cnpg.io", "clusters"),
        ["podmonitor"] = ("monitoring.coreos.com", "podmonitors"),
        ["prometheusrule"] = ("monitoring.coreos.com", "prometheusrules"),
    };

    [GeneratedRegex("kubectl (?<call>[^|&;)\n]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Kubectl();

    /// <summary>Its function <c>sql</c>, with a real Postgres that asks for a password, as the chart's does at its socket too.</summary>
    [Fact]
    public async Task Function_sql_has_the_password_that_the_pod_knows()
    {
        Assert.SkipUnless(Tool.Find("psql") is not null, "psql is missing (Debian: apt-get install postgresql-client)");
        var connection = new Npgsql.NpgsqlConnectionStringBuilder(servers.ConnectionString);
        using var commands = new Commands();
        commands.With("kubectl", $$"""
            [ "$1" = exec ] && [ "$3" = -- ] || exit 9
            shift 3
            export POSTGRES_PASSWORD='{{connection.Password}}' PGHOST={{connection.Host}} PGPORT={{connection.Port}}
            exec "$@"
            """);
        var function = Block().Matches(s_parts["Before you begin"])[0].Groups["block"].Value.Split("admin()")[1];
        var script = $"admin(){function}\nsql postgres \"SELECT 'a row' AS \\\"it's\\\"\"";

        var result = await Tool.RunAsync("bash", ["-c", script], new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["PATH"] = $"{commands.Folder}:{Environment.GetEnvironmentVariable("PATH")}",
            ["PGPASSWORD"] = null,
        });

        Assert.True(result.ExitCode == 0, result.All);
        Assert.Contains("a row", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_set_are_values_of_the_chart()
    {
        var set = SetValue().Matches(Commands).Select(found => found.Groups["path"].Value.Split('.')).ToList();

        Assert.NotEmpty(set);
        Assert.All(set, path => Assert.NotNull(Charts.Values().At(path)));
    }

    [Fact]
    public void Scripts_get_variables_and_options_that_they_know()
    {
        var calls = ScriptCall().Matches(Commands).ToList();

        Assert.NotEmpty(calls);
        var common = File.ReadAllText(ScriptFiles.Path("cluster.sh")) + File.ReadAllText(ScriptFiles.Path("encryption.sh"));
        Assert.All(calls, call =>
        {
            var script = File.ReadAllText(ScriptFiles.Path(call.Groups["script"].Value)) + common;
            Assert.All(call.Groups["variable"].Captures, variable => Assert.Contains(variable.Value, script, StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Alerts_and_metrics_are_those_that_are_watched()
    {
        var alerts = WatchFiles.Alerts.Select(alert => alert.Text("alert")).ToHashSet(StringComparer.Ordinal);
        var metrics = WatchFiles.Rules().Select(rule => rule.Text("expr")).Concat(WatchFiles.PanelQueries()).SelectMany(MetricNames.Of)
            .ToHashSet(StringComparer.Ordinal);
        var code = InlineCode().Matches(s_text).Select(found => found.Groups["code"].Value).ToList();

        var namedAlerts = code.Where(each => AlertName().IsMatch(each)).Except(["CrashLoopBackOff"]).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(namedAlerts.Except(alerts));
        Assert.Empty(alerts.Except(namedAlerts)); // each is explained
        var namedMetrics = code.Where(each => MetricName().IsMatch(each)).ToList();
        Assert.NotEmpty(namedMetrics);
        Assert.Empty(namedMetrics.Except(metrics));
    }

    [Fact]
    public void Verbs_of_admin_and_their_options_are_in_the_code()
    {
        var sources = string.Join('\n',
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "Api"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        var calls = AdminCall().Matches(s_text)
            .Select(found => found.Groups["words"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();

        Assert.True(calls.Count >= 10, $"{calls.Count} calls");
        Assert.All(calls, words => Assert.All(
            words.Take(2).Concat(words.Where(word => word.StartsWith("--", StringComparison.Ordinal))),
            word => Assert.Contains($"\"{word}\"", sources, StringComparison.Ordinal)));
    }

    private static string Kind(string kind) => kind.ToLowerInvariant() switch
    {
        "horizontalpodautoscaler" => "hpa",
        "persistentvolumeclaim" => "pvc",
        var other => other,
    };

    [GeneratedRegex("^#{2,3} (?<title>[^\n]+)\n(?<text>.*?)(?=^#{2,3} |\\z)",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Part();

    [GeneratedRegex("^```bash\n(?<block>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Block();

    [GeneratedRegex(@"(?<![/\w])(deployment|statefulset|hpa|scaledobject|pvc|pod|cluster|podmonitor|prometheusrule)/[a-z][a-z0-9-]+",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Object();

    [GeneratedRegex("app.kubernetes.io/component=(?<component>[a-z]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Label();

    [GeneratedRegex("--set (?<path>[A-Za-z.]+)=", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SetValue();

    [GeneratedRegex(@"^((?<variable>[A-Z_]+)=\S+ )*deploy/scripts/(?<script>[a-z-]+\.sh)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ScriptCall();

    [GeneratedRegex("`(?<code>[^`\n]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InlineCode();

    [GeneratedRegex("^([A-Z][a-z]+){2,}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AlertName();

    [GeneratedRegex("^(inference|hw|pg|redis|kube|node|container)_[a-z0-9_]+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MetricName();

    [GeneratedRegex("(^|`)admin (?<words>[a-z][^`|#\n]*)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AdminCall();
}
