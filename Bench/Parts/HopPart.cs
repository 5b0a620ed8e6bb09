using System.Diagnostics;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace InferenceTemplate.Bench.Parts;

internal static class HopPart
{
    private const string Model = "bench-hop";
    private const string Version = "1";

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        stage.Report.Section(
            "the queue alone: a request of 784 floats to a consumer that answers at once, in process, over the product's Redis");
        await using var services = await CreateAsync(await product.ConnectionStringAsync("redis"));
        var hosted = services.GetServices<IHostedService>().Where(s => s is QueueWakeup or QueueCancellations or ReplyInbox).ToList();
        foreach (var service in hosted)
        {
            await service.StartAsync(CancellationToken.None);
        }

        using var over = new CancellationTokenSource();
        var consumer = ActivatorUtilities.CreateInstance<QueueConsumer>(services, "bench", Model, Version);
        var answering = Task.Run(() => AnswerAsync(consumer, over.Token));
        foreach (var callers in (int[])[1, 64])
        {
            await CallAsync(services, callers, stage.Options.WarmUp);
            var rounds = new List<LoadResult>();
            for (var round = 0; round < stage.Options.Rounds; round++)
            {
                rounds.Add(await CallAsync(services, callers, stage.Options.Round));
            }

            stage.Report.Add($"hop.c{callers}.p50", Comparison.Median(rounds.Select(r => r.Percentile(0.5))), "ms");
            stage.Report.Add($"hop.c{callers}.p99", Comparison.Median(rounds.Select(r => r.Percentile(0.99))), "ms");
            stage.Report.Add($"hop.c{callers}", Comparison.Median(rounds.Select(r => r.PerSecond)), "req/s");
        }

        await over.CancelAsync();
        await answering;
        foreach (var service in hosted)
        {
            await service.StopAsync(CancellationToken.None);
        }
    }

    private static async Task<ServiceProvider> CreateAsync(string redis)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddLogging();
        services.AddSingleton<QueueCancellations>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueCancellations>());
        services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(redis));
        services.AddCore();
        services.AddSingleton<QueueWakeup>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueWakeup>());
        services.AddSingleton<ReplyInbox>();
        services.AddHostedService(provider => provider.GetRequiredService<ReplyInbox>());
        return services.BuildServiceProvider();
    }

    private static async Task AnswerAsync(QueueConsumer consumer, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var requests = await consumer.ReadAsync(64);
            if (requests.Count == 0)
            {
                await Task.WhenAny(consumer.WaitAsync(over));
                continue;
            }

            var replies = new Replies();
            foreach (var request in requests.Select(r => r.Request))
            {
                replies.For(request, ReplyBatch.AnswerSize("bench"))
                    .Add(request.Id, ReplyOutcome.Completed, null, default, default, 1, "bench");
            }

            await consumer.CompleteAsync(requests, replies);
        }
    }

    private static async Task<LoadResult> CallAsync(IServiceProvider services, int callers, TimeSpan time)
    {
        var queue = services.GetRequiredService<RequestQueue>();
        var inbox = services.GetRequiredService<ReplyInbox>();
        var start = Stopwatch.GetTimestamp();
        var tallies = Enumerable.Range(0, callers).Select(_ => new Tally()).ToArray();
        await Task.WhenAll(tallies.Select(tally => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                var now = DateTimeOffset.UtcNow;
                var sent = Stopwatch.GetTimestamp();
                var request = new InferenceRequest(
                    Guid.CreateVersion7(), Model, Version, "default", RequestKind.Call, Priority.Normal, inbox.Replica, now,
                    now.AddSeconds(30),
                    null, null, [], [new Tensor("x", Datatype.Fp32, [1, 784], new byte[784 * sizeof(float)])]);
                using var pending = inbox.Expect(request.Id);
                await queue.EnqueueAsync(request);
                await pending.Reply.WaitAsync(TimeSpan.FromSeconds(30));
                tally.Add(200, Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }
        })));
        return LoadResult.Of(Stopwatch.GetElapsedTime(start).TotalSeconds, tallies);
    }
}
