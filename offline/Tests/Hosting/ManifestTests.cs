using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Tests.Offline.Hosting;

public sealed class ManifestTests
{
    [Theory]
    [InlineData("--publisher", "manifest")]
    [InlineData("--operation", "publish", "--step", "publish-manifest")]
    public async Task Manifest_equals_that_of_the_real_libraries(params string[] how)
    {
        Assert.Equal(SampleTopology.Reference("manifest.json"), await PublishAsync(SampleTopology.Describe, how));
    }

    [Fact]
    public async Task Manifest_shows_defaults_of_parameters_but_no_generated_value()
    {
        var resources = await PublishAsync(builder =>
        {
            builder.AddParameter("generated", new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true);
            builder.AddParameter("shown", "v", publishValueAsDefault: true);
            builder.AddParameter("hidden", "v");
        });

        Assert.Equal("""{"generate":{"minLength":24,"special":false}}""", Default("generated"));
        Assert.Equal("""{"value":"v"}""", Default("shown"));
        Assert.Null(Default("hidden"));

        string? Default(string name) => resources[name]!["inputs"]!["value"]!["default"]?.ToJsonString();
    }

    [Fact]
    public async Task Manifest_holds_the_generated_password_that_a_server_made_for_itself()
    {
        var resources = await PublishAsync(builder => builder.AddPostgres("pg"));

        Assert.Equal("parameter.v0", (string?)resources["pg-password"]!["type"]);
    }

    [Fact]
    public async Task Manifest_leaves_out_what_is_excluded()
    {
        var resources = await PublishAsync(builder =>
        {
            builder.AddExecutable("tool", "true", ".").ExcludeFromManifest();
            builder.AddContainer("box", "registry.example:5000/team/box:1.2").WithHttpEndpoint(targetPort: 80);
        });

        Assert.False(resources.ContainsKey("tool"));
        Assert.Equal("registry.example:5000/team/box:1.2", (string?)resources["box"]!["image"]);
        Assert.Equal(80, (int)resources["box"]!["bindings"]!["http"]!["targetPort"]!);
    }

    [Fact]
    public async Task Project_has_one_binding_when_its_launch_profile_is_left_out()
    {
        var resources = await PublishAsync(builder => builder
            .AddProject<SampleTopology.InferenceApi>("api", o => o.ExcludeLaunchProfile = true)
            .WithHttpEndpoint(targetPort: 8080)
            .WithExternalHttpEndpoints());

        var binding = Assert.Single(resources["api"]!["bindings"]!.AsObject());
        Assert.Equal("""{"scheme":"http","protocol":"tcp","transport":"http","targetPort":8080,"external":true}""", binding.Value!.ToJsonString());
        Assert.Equal("{api.bindings.http.targetPort}", (string?)resources["api"]!["env"]!["HTTP_PORTS"]);
    }

    [Fact]
    public async Task Publishing_without_an_output_path_says_what_is_missing()
    {
        var builder = SampleTopology.Builder("--publisher", "manifest");

        await using var app = builder.Build();
        var error = await Assert.ThrowsAsync<DistributedApplicationException>(
            () => builder.Pipeline.ExecuteAsync(app.Services, TestContext.Current.CancellationToken));

        Assert.Contains("--output-path", error.Message, StringComparison.Ordinal);
    }

    private static async Task<JsonObject> PublishAsync(Action<IDistributedApplicationBuilder> describe)
    {
        var manifest = await PublishAsync(describe, ["--publisher", "manifest"]);
        return JsonNode.Parse(manifest)!["resources"]!.AsObject();
    }

    private static async Task<string> PublishAsync(Action<IDistributedApplicationBuilder> describe, string[] how)
    {
        // Two levels below the root, as the reference was made: project paths in it are relative.
        var directory = Path.Combine(SampleTopology.Root, "out", Guid.NewGuid().ToString("n"));
        var path = Path.Combine(directory, "manifest.json");
        try
        {
            var builder = SampleTopology.Builder([.. how, "--output-path", path]);
            describe(builder);
            await builder.Build().RunAsync(TestContext.Current.CancellationToken);
            return await File.ReadAllTextAsync(path);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
