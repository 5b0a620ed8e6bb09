using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A platform whose services send their traces to a collector in the test, and whose worker opens models on request.</summary>
[CollectionDefinition]
public class TracedPlatform : Platform, IAsyncDisposable, ICollectionFixture<TracedPlatform>
{
    private readonly WebApplication _collector = WebApplication.CreateSlimBuilder().Build();

    /// <summary>OTLP export requests for traces, as they came.</summary>
    public ConcurrentBag<byte[]> Exports { get; } = [];

    /// <summary>Those for logs and metrics.</summary>
    public ConcurrentBag<byte[]> OtherExports { get; } = [];

    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        _collector.Urls.Add("http://127.0.0.1:0");
        _collector.MapPost("/v1/{signal}", async (HttpRequest request, string signal) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            (signal == "traces" ? Exports : OtherExports).Add(body.ToArray());
        });
        _collector.Start();
        var worker = builder.Resources.OfType<ProjectResource>().Single(p => p.Name == "worker");
        builder.CreateResourceBuilder(worker)
            .WithEnvironment("Worker__Preload", "0")
            .WithEnvironment("Worker__LoadBreak", "00:01:00")
            .WithEnvironment("Worker__CacheDirectory", Directory.CreateTempSubdirectory("artifacts-").FullName);

        foreach (var service in builder.Resources.OfType<ProjectResource>().ToList())
        {
            builder.CreateResourceBuilder(service)
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", _collector.Urls.First())
                .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
                .WithEnvironment("OTEL_BSP_SCHEDULE_DELAY", "100")
                .WithEnvironment("OTEL_BLRP_SCHEDULE_DELAY", "100")
                .WithEnvironment("OTEL_METRIC_EXPORT_INTERVAL", "1000");
        }
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        await _collector.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>One whose calls all go through Redis.</summary>
public sealed class TracedQueuePlatform : TracedPlatform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        base.Configure(builder);
        QueuePlatform.Apply(builder);
    }
}
