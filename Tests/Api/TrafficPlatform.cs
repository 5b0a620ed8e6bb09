using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>A platform with models of several versions, at 3.6 euros an hour, that also speaks Triton's metric names.</summary>
public sealed class TrafficPlatform : Platform, IAsyncDisposable
{
    // Ten times the index; fails on an index beyond 9. The second version's last entry is 91 instead of 90.
    private static readonly byte[] Lookup = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "models", "lookup.onnx"));
    private static readonly byte[] Digits = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "models", "digits.onnx"));

    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("inference-models-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        foreach (var model in (string[])["policy", "routed", "canary", "shadow", "decided", "moved"])
        {
            Write(model, 1, Lookup);
            Write(model, 2, Altered(Lookup));
        }

        Write("mixed", 1, Lookup);
        Write("mixed", 2, Digits);
        Write("cached", 1, Lookup);
        Write("priced", 1, Lookup);
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(p => p.Name is "api" or "worker").ToList())
        {
            builder.CreateResourceBuilder(service)
                .WithEnvironment("Worker__ModelsDirectory", _models.FullName)
                .WithEnvironment("Costs__PricePerDeviceHour", "3.6")
                .WithEnvironment("Costs__Currency", "EUR")
                .WithEnvironment("Metrics__TritonNames", "true");
        }
    }

    public static JsonContent Indices(params long[] values) =>
        JsonContent.Create(
            new { inputs = new[] { new { name = "index", datatype = "INT64", shape = new[] { values.Length }, data = values } } });

    public async Task<HttpResponseMessage> InferAsync(string model, params long[] indices)
    {
        // So that both replicas of the Api are asked.
        using var client = Admin().OnNewConnections();
        return await client.PostAsync($"/v2/models/{model}/infer", Indices(indices), Cancellation);
    }

    public async Task<HttpResponseMessage> PutAsync(string model, object policy)
    {
        using var client = Admin();
        return await client.PutAsJsonAsync($"/v1/models/{model}/traffic", policy, Cancellation);
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var client = Admin();
        using var response = await client.GetAsync(path, Cancellation);
        response.EnsureSuccessStatusCode();
        return await response.JsonAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        _models.Delete(recursive: true);
    }

    private void Write(string model, int version, byte[] file)
    {
        var folder = _models.CreateSubdirectory(Path.Combine(model, version.ToString(CultureInfo.InvariantCulture)));
        File.WriteAllBytes(Path.Combine(folder.FullName, "model.onnx"), file);
    }

    private static byte[] Altered(byte[] file)
    {
        Span<byte> ninety = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(ninety, 90);
        var altered = file.ToArray();
        BinaryPrimitives.WriteSingleLittleEndian(altered.AsSpan(file.AsSpan().IndexOf(ninety)), 91);
        return altered;
    }
}

[CollectionDefinition(nameof(TrafficPlatform))]
public sealed class TrafficCollection : ICollectionFixture<TrafficPlatform>;
