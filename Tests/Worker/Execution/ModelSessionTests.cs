using System.Runtime.InteropServices;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Tests.Worker.Execution;

public sealed class ModelSessionTests
{
    private static readonly ExecutionDevice Cpu =
        new(Options.Create(new WorkerOptions { Device = "cpu" }), NullLogger<ExecutionDevice>.Instance);

    [Fact]
    public void Session_describes_the_model()
    {
        using var session = Open();

        Assert.Equal([("image", Datatype.Fp32, "[-1,8,8]")], session.Signature.Inputs.Select(Describe));
        Assert.Equal(
            [("label", Datatype.Int64, "[-1]"), ("probabilities", Datatype.Fp32, "[-1,10]")],
            session.Signature.Outputs.Select(Describe).OrderBy(o => o.Name, StringComparer.Ordinal));
        Assert.True(session.Signature.IsBatchable);
    }

    [Fact]
    public void Batch_gives_each_request_what_it_gets_alone()
    {
        using var session = Open();
        using var instance = session.CreateInstance();
        var requests = Digits.HeldOut.Take(50).Select(digit => Request(session, digit.Pixels)).ToList();
        requests.Add(Request(session, [.. Digits.HeldOut[50].Pixels, .. Digits.HeldOut[51].Pixels]));

        using var outputs = instance.Run([.. requests.Select(r => r.Inputs)]);
        var together = Split(session, outputs, [.. requests], rows: 52);

        Assert.Equal(requests.Select(r => r.Request.Id), together.Select(r => r.Id));
        foreach (var (request, reply) in requests.Zip(together))
        {
            using var own = instance.Run([request.Inputs]);
            var alone = Assert.Single(Split(session, own, [request], request.Rows));
            Assert.Equal(Labels(alone), Labels(reply));
            Assert.Equal(alone.Outputs.Select(o => TensorShape.Format(o.Shape)), reply.Outputs.Select(o => TensorShape.Format(o.Shape)));
        }
    }

    [Fact]
    public void Answer_of_a_job_is_written_once_into_its_own_array()
    {
        using var session = Open();
        using var instance = session.CreateInstance();
        var call = Requests.Queued("1-0", [Requests.Floats("image", [1, 8, 8], Digits.HeldOut[0].Pixels)]);
        var job = PendingRequest.Create(
            session.Signature, new QueuedRequest("1-0", call.Request with { Kind = RequestKind.Job }), batched: true)!;

        using var outputs = instance.Run([job.Inputs]);
        var message = new ReplySplitter(session.Signature, [0, 1], outputs, 1)
            .Split([job], [], DateTimeOffset.UnixEpoch, TimeSpan.Zero, "worker").OfJob(job.Request.Id);

        // A message whose size was not known ahead is copied to its length each time.
        Assert.Same(message.ToMessage(), message.ToMessage());
    }

    [Fact]
    public void Held_out_digits_are_recognised_as_the_card_says()
    {
        using var session = Open();
        using var instance = session.CreateInstance();
        var request = Request(session, [.. Digits.HeldOut.SelectMany(d => d.Pixels)]);

        using var outputs = instance.Run([request.Inputs]);
        var labels = Labels(Assert.Single(Split(session, outputs, [request], Digits.HeldOut.Count)));

        var right = labels.Zip(Digits.HeldOut).Count(p => p.First == p.Second.Label);
        Assert.True(right >= 0.97 * labels.Length, $"{right} of {labels.Length} are right");
    }

    [Fact]
    public void Session_refuses_input_of_the_wrong_shape_and_goes_on()
    {
        using var session = Open();
        using var instance = session.CreateInstance();
        var wrong = new Tensor("image", Datatype.Fp32, [1, 7, 7], new byte[49 * 4]);

        Assert.Throws<OnnxRuntimeException>(() => instance.Run([[wrong]]));

        session.WarmUp();
    }

    [Fact]
    public void Opening_a_broken_file_throws()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "not a model");
        try
        {
            Assert.Throws<OnnxRuntimeException>(() => ModelSession.Open(new ModelFile("broken", "1", path), Cpu));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ModelSession Open() =>
        ModelSession.Open(new ModelFile("digits", "1", Path.Combine(AppContext.BaseDirectory, "models", "digits", "1", "model.onnx")), Cpu);

    private static PendingRequest Request(ModelSession session, float[] pixels) => PendingRequest.Create(
        session.Signature, Requests.Queued("1-0", [Requests.Floats("image", [pixels.Length / 64, 8, 8], pixels)]), batched: true)!;

    private static IReadOnlyList<InferenceReply> Split(
        ModelSession session, IReadOnlyCollection<OrtValue> outputs, PendingRequest[] requests, int rows)
    {
        int[] all = [.. Enumerable.Range(0, session.Signature.Outputs.Length)];
        var replies = new ReplySplitter(
            session.Signature, all, outputs, rows).Split(requests, [], DateTimeOffset.UnixEpoch, TimeSpan.Zero, "worker");
        return [.. replies.Messages.SelectMany(m => ReplyBatch.Read(m.Message.Written))];
    }

    private static long[] Labels(InferenceReply reply) =>
        MemoryMarshal.Cast<byte, long>(reply.Outputs.Single(o => o.Name == "label").Data.Span).ToArray();

    private static (string Name, Datatype Datatype, string Shape) Describe(TensorSignature tensor) =>
        (tensor.Name, tensor.Datatype, TensorShape.Format(tensor.Shape));
}
