using System.Diagnostics.Metrics;
using InferenceTemplate.Api;
using InferenceTemplate.Api.Predictions;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;

namespace InferenceTemplate.Tests.Storage;

public sealed class PredictionRecorderTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Record_that_postgres_refuses_takes_none_of_those_beside_it_along()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var meters = database.Get<IMeterFactory>();
        using var shed = new MetricCollector<long>(meters, Telemetry.Name, "inference.predictions.shed");
        using var recorder = Recorder(database, meters);
        var good = Enumerable.Range(0, 100).Select(_ => Of("m")).ToList();

        // Longer than its column, first, amid and last.
        recorder.Record(Of(new string('m', 200)));
        good[..37].ForEach(recorder.Record);
        recorder.Record(Of(new string('m', 200)));
        good[37..].ForEach(recorder.Record);
        recorder.Record(Of(new string('m', 200)));
        await recorder.StartAsync(Cancellation);
        await Wait.UntilAsync(async () => await CountAsync(database) == good.Count);

        // It has not given up, and what follows is written.
        recorder.Record(Of("m"));
        await Wait.UntilAsync(async () => await CountAsync(database) == good.Count + 1);
        Assert.Equal(3, shed.GetMeasurementSnapshot().Sum(m => m.Value));
        await recorder.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Records_wait_while_postgres_takes_no_writes_as_during_a_failover()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var log = new FakeLogger<PredictionRecorder>();
        using var recorder = Recorder(database, database.Get<IMeterFactory>(), log);

        // As a standby is; neither an outage of the network nor the fault of a row.
        await database.MakeReadOnlyAsync(true);
        recorder.Record(Of("m"));
        await recorder.StartAsync(Cancellation);
        await Wait.UntilAsync(() => log.Collector.GetSnapshot().Any(
            record => record.Message.Contains("cannot execute COPY FROM in a read-only transaction", StringComparison.Ordinal)));
        await database.MakeReadOnlyAsync(false);

        await Wait.UntilAsync(async () => await CountAsync(database) == 1);
        await recorder.StopAsync(Cancellation);
    }

    private static PredictionRecorder Recorder(OwnDatabase database, IMeterFactory meters, FakeLogger<PredictionRecorder>? log = null) =>
        new(new PredictionWriter(database.Source), new Telemetry(meters), log ?? new FakeLogger<PredictionRecorder>());

    private static Task<long> CountAsync(OwnDatabase database) => database.ScalarAsync<long>("SELECT count(*) FROM predictions");

    private static Prediction Of(string model) => new()
    {
        Id = Guid.CreateVersion7(),
        ReceivedAt = DateTimeOffset.UtcNow,
        TenantId = "acme",
        Model = model,
        Version = "1",
        Status = 200,
        Role = "stable",
        Priority = "normal",
    };
}
