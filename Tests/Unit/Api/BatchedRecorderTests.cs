using System.Net.Sockets;
using System.Text;
using InferenceTemplate.Api.Records;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class BatchedRecorderTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Name_that_cannot_be_resolved_is_an_outage_and_a_record_that_cannot_be_written_is_shed_alone()
    {
        using var recorder = new Recorder();
        foreach (var record in (string[])["a", "\ud83d", "b", "c"])
        {
            recorder.Record(record);
        }

        await recorder.StartAsync(Cancellation);
        await Wait.UntilAsync(() => recorder.Written.Count == 3);
        recorder.Record("d");
        await Wait.UntilAsync(() => recorder.Written.Count == 4);
        await recorder.StopAsync(Cancellation);

        Assert.Equal(["a", "b", "c", "d"], recorder.Written);
        Assert.Equal(1, recorder.Lost);
        Assert.True(recorder.ExecuteTask!.IsCompletedSuccessfully);
    }

    private sealed class Recorder() : BatchedRecorder<string>(10, "records", NullLogger.Instance)
    {
        private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

        private bool _isResolved;

        public List<string> Written { get; } = [];

        public int Lost { get; private set; }

        protected override Task WriteAsync(IReadOnlyCollection<string> records, CancellationToken cancellationToken)
        {
            if (!_isResolved)
            {
                // As Npgsql lets it through.
                _isResolved = true;
                throw new SocketException((int)SocketError.TryAgain);
            }

            // As Npgsql encodes.
            _ = records.Sum(record => Strict.GetByteCount(record));
            Written.AddRange(records);
            return Task.CompletedTask;
        }

        protected override void Shed(int records) => Lost += records;
    }
}
