using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>
/// A slice of the Api is its folder, its lines in Program.cs and Slices.cs, and the one of its verb in AdminCommands.cs: without them the
/// rest compiles.
/// </summary>
public sealed partial class SliceTests(Template template)
{
    // Others rest on these; whoever takes one out changes what the product is.
    private static readonly Dictionary<string, string> s_core = new(StringComparer.Ordinal)
    {
        ["Auth"] = "every endpoint names its policies",
        ["Inference"] = "the calls that jobs, traffic and cached responses are about",
        ["Models"] = "Inference and Traffic ask it which versions can be loaded",
        ["Tenants"] = "every call is counted against its tenant's limits",
        ["Usage"] = "every call is recorded by it",
        ["Audit"] = "what changes anything writes into it",
        ["Features"] = "Inference, Jobs and Caching ask it what is switched on",
        ["DataRights"] = "Retention knows by it where tenants' data lies",
        ["Startup"] = "applies the schema, which /health waits for",
        ["Admin"] = "the frame of the command line, which slices give their verbs to",
        ["Jobs"] = "Infer hands it what is asked for with 'Prefer: respond-async'",
        ["Idempotency"] = "BatchJobs writes a batch and its key in one transaction",
        ["Traffic"] = "Infer asks it which version answers",
        ["Overview"] = "Infer counts by its meter",
        ["Queues"] = "the verb dead-letters of the command line answers with its types",
        ["Security"] = "Program.cs does not start an Api with an endpoint that lacks a policy",
        ["Limits"] = "a step of a call, not a slice: Inference asks whether a tenant may go on",
        ["Caching"] = "a step of a call, not a slice: Inference runs it",
        ["Predictions"] = "a step of a call, not a slice: Inference and Jobs record by it",
        ["Direct"] = "a step of a call, not a slice: Inference sends by it",
        ["Drift"] = "a step of a call, not a slice: Inference takes samples for it, and Traffic judges canaries by it",
        ["Payloads"] = "a step of a call, not a slice: Inference keeps by it what models' settings say",
        ["OpenAi"] = "Embeddings and Chat speak by it",
        ["Records"] = "what Predictions writes",
        ["Properties"] = "launch profiles",
    };

    [GeneratedRegex(@"public static [\w<>\[\],? ]+ (?<name>(Add|Map|Use)\w+)\(\s*this ", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Extension();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("Tier", "Nightly")]
    public async Task Api_compiles_without_any_one_of_its_slices()
    {
        var project = await template.NewAsync(HostileName.All[0], Choice.Default);
        await Commands.RunAsync("dotnet", Build(), project.PathOf("Api"), Cancellation);
        var slices = Directory.GetDirectories(project.PathOf("Api")).Select(path => Path.GetFileName(path)!)
            .Where(name => name is not ("bin" or "obj") && !s_core.ContainsKey(name)).Order(StringComparer.Ordinal).ToList();
        Assert.NotEmpty(slices);
        var failures = new List<string>();
        foreach (var slice in slices)
        {
            failures.AddRange(await WithoutAsync(project, slice));
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static async Task<IEnumerable<string>> WithoutAsync(GeneratedProject project, string slice)
    {
        string[] shared = [project.PathOf("Api/Program.cs"), project.PathOf("Api/Slices.cs"), project.PathOf("Api/Admin/AdminCommands.cs")];
        var texts = shared.Select(File.ReadAllText).ToArray();
        var folder = project.PathOf($"Api/{slice}");
        var methods = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)
            .SelectMany(source => Extension().Matches(source))
                .Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var verbs = Directory.EnumerateFiles(folder, "*Command*.cs", SearchOption.AllDirectories)
            .Select(Path.GetFileNameWithoutExtension).ToList();
        IEnumerable<string> Without(string text) =>
            text.Split('\n').Where(line => !methods.Any(method => line.Contains($".{method}(", StringComparison.Ordinal))
            && !verbs.Any(verb => line.Contains($" {verb}.Create(", StringComparison.Ordinal))
            && !line.TrimEnd().EndsWith($".Api.{slice};", StringComparison.Ordinal));
        var aside = project.PathOf($"{slice}.aside");
        Directory.Move(folder, aside);
        try
        {
            for (var i = 0; i < shared.Length; i++)
            {
                await File.WriteAllTextAsync(shared[i], string.Join('\n', Without(texts[i])), Cancellation);
            }

            var (exitCode, output) = await Commands.TryRunAsync(
                "dotnet", [.. Build(), "--no-restore", "--no-dependencies"], project.PathOf("Api"), Cancellation);
            var errors = output.Split('\n')
                .Where(line => line.Contains("error ", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal).Take(8);
            return exitCode == 0 ? [] : [$"without Api/{slice}:", .. errors.Select(error => "  " + error)];
        }
        finally
        {
            Directory.Move(aside, folder);
            for (var i = 0; i < shared.Length; i++)
            {
                await File.WriteAllTextAsync(shared[i], texts[i], Cancellation);
            }
        }
    }

    private static string[] Build() => ["build", "--nologo", "-v", "quiet", "-p:RunAnalyzers=false", "-p:GenerateDocumentationFile=false",
        "-p:TreatWarningsAsErrors=false"];
}
