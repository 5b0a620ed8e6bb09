using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Scripts;

public sealed class SecretValuesTests(Charts charts)
{
    [Fact]
    public async Task Secrets_are_new_complete_and_the_same_for_all_who_share_one()
    {
        var first = await RunAsync();
        var second = await RunAsync();
        var objects = RenderedObjects.Parse(await charts.HelmAsync("production", first));

        Assert.All(first["secrets"].Entries(), entry => Assert.Matches("^[A-Za-z0-9]{64}$", entry.Value));
        var made = first["secrets"].Entries().Concat(second["secrets"].Entries()).Select(entry => entry.Value).ToList();
        Assert.Equal(made.Count, made.Distinct(StringComparer.Ordinal).Count());
        var password = objects.Entry("postgres-secrets", "POSTGRES_PASSWORD");
        Assert.All(["api-secrets", "worker-secrets"], secrets =>
            Assert.Contains($"Password={password};", objects.Entry(secrets, "ConnectionStrings__inference"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Secret_of_the_environment_is_taken_as_it_is()
    {
        const string Connection = "Host=db;Password=a\"b\\c";

        var values = await RunAsync(("INFERENCE_CONNECTION", Connection), ("REDIS_CONNECTION", "cache:6380"), ("ADMIN_SECRET", "given"));

        Assert.Equal(Connection, values.Text("secrets", "inferenceConnection"));
        Assert.Equal("given", values.Text("secrets", "adminSecret"));
        var objects = RenderedObjects.Parse(await charts.HelmAsync("production database=managed redis=managed", values));
        Assert.StartsWith($"{Connection};", objects.Entry("api-secrets", "ConnectionStrings__inference"), StringComparison.Ordinal);
    }

    private static async Task<JsonObject> RunAsync(params (string Name, string Value)[] environment)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script is for bash.");
        var given = environment.ToDictionary(each => each.Name, each => (string?)each.Value, StringComparer.Ordinal);
        var result = await Tool.RunAsync("bash", [ScriptFiles.Path("secret-values.sh")], given);
        Assert.True(result.ExitCode == 0, result.All);
        return YamlJson.Parse(result.Output).Single();
    }
}
