using System.Runtime.InteropServices;
using System.Text;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Tests.Worker.Execution;

public sealed class ModelInstanceTests
{
    [Theory]
    [InlineData(OnnxModel.Float16, Datatype.Fp16, 2)]
    [InlineData(OnnxModel.BFloat16, Datatype.Bf16, 2)]
    [InlineData(OnnxModel.Bool, Datatype.Bool, 1)]
    [InlineData(OnnxModel.Int64, Datatype.Int64, 8)]
    public void Elements_pass_bit_by_bit_whatever_their_type(int type, Datatype datatype, int size)
    {
        using var session = TestModels.Open(TestModels.Echo(type));
        using var instance = session.CreateInstance();
        var bytes = Enumerable.Range(0, 6 * size).Select(i => (byte)(datatype == Datatype.Bool ? i % 2 : i + 1)).ToArray();

        using var outputs = instance.Run([[new Tensor("x", datatype, [2, 3], bytes)]]);

        Assert.Equal(datatype, session.Signature.Inputs[0].Datatype);
        Assert.Equal(bytes, outputs[0].GetTensorMutableRawData());
    }

    [Fact]
    public void Texts_pass_whole_alone_in_batches_and_padded()
    {
        using var session = TestModels.Open(TestModels.Echo(OnnxModel.Text));
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([[Texts([1, 2], "ä", "")], [Texts([1, 1], "zwei\0drei")]]);

        Assert.Equal([2, 2], outputs[0].GetTensorTypeAndShape().Shape);
        Assert.Equal(["ä", "", "zwei\0drei", ""], outputs[0].GetStringTensorAsArray());
        var starts = TextTensor.Starts(outputs[0]);
        Assert.Equal(Texts([1, 2], "ä", "").Data.ToArray(), TextTensor.Read(outputs[0], starts, 0, 2));
        Assert.Equal(Texts([1, 2], "zwei\0drei", "").Data.ToArray(), TextTensor.Read(outputs[0], starts, 2, 4));
    }

    [Fact]
    public void Texts_whose_lengths_do_not_fit_are_refused()
    {
        using var session = TestModels.Open(TestModels.Echo(OnnxModel.Text));
        using var instance = session.CreateInstance();

        Assert.Throws<InvalidDataException>(() => instance.Run([[new Tensor("x", Datatype.Bytes, [1, 1], new byte[] { 9, 0, 0, 0, 65 })]]));
    }

    [Fact]
    public void Ragged_requests_are_padded_with_zeros_to_the_largest_in_every_dimension()
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1, -1, -1).Output("y", OnnxModel.Float, -1, -1, -1)
            .Node("Identity", ["x"], ["y"]).ToBytes();
        using var session = TestModels.Open(model);
        using var instance = session.CreateInstance();

        // Used before, so that what lies in the buffer is not zero.
        instance.Run([[Requests.Floats("x", [2, 2, 3], [.. Enumerable.Repeat(7f, 12)])],
            [Requests.Floats("x", [1, 2, 3], [7, 7, 7, 7, 7, 7])]]).Dispose();
        using var outputs = instance.Run([[Requests.Floats("x", [2, 2, 1], 1, 2, 3, 4)], [Requests.Floats("x", [1, 1, 3], 5, 6, 7)]]);

        Assert.Equal([3, 2, 3], outputs[0].GetTensorTypeAndShape().Shape);
        Assert.Equal([1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5, 6, 7, 0, 0, 0], outputs[0].GetTensorDataAsSpan<float>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Lone_request_is_read_right_wherever_it_lies_in_its_message(int offset)
    {
        using var session = TestModels.Open(TestModels.Echo(OnnxModel.Float));
        using var instance = session.CreateInstance();
        var message = new byte[64];
        float[] values = [1.5f, -2, 3];
        MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(message.AsSpan(8 + offset));

        using var outputs = instance.Run([[new Tensor("x", Datatype.Fp32, [1, 3], message.AsMemory(8 + offset, 12))]]);

        Assert.Equal(values, outputs[0].GetTensorDataAsSpan<float>());
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public void Output_that_is_an_input_keeps_its_values_when_the_memory_of_the_request_is_used_again(int requests, bool binds)
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1, 2).OptionalInput("shift", [10, 10], 2)
            .Output("y", OnnxModel.Float, -1, 2).Output("x", OnnxModel.Float, -1, 2).Output("shift", OnnxModel.Float, 2)
            .Node("Add", ["x", "shift"], ["y"]).ToBytes();
        using var session = new InferenceSession(model);
        using var described = TestModels.Open(model);
        using var instance = new ModelInstance(session, described.Signature, binds);
        var (x, shift) = (Requests.Floats("x", [1, 2], 1, 2), Requests.Floats("shift", [2], 5, 6));
        List<Tensor[]> batch = requests == 1 ? [[x, shift]] : [[x], [x]];

        using var outputs = instance.Run(batch);
        MemoryMarshal.AsMemory(x.Data).Span.Fill(0xFF);
        MemoryMarshal.AsMemory(shift.Data).Span.Fill(0xFF);
        instance.Run([[Requests.Floats("x", [1, 2], 7, 7)], [Requests.Floats("x", [1, 2], 7, 7)]]).Dispose();

        Assert.Equal(requests == 1 ? [6, 8] : [11, 12, 11, 12], outputs[0].GetTensorDataAsSpan<float>());
        Assert.Equal(requests == 1 ? [1, 2] : [1, 2, 1, 2], outputs[1].GetTensorDataAsSpan<float>());
        Assert.Equal(requests == 1 ? [5, 6] : [10, 10], outputs[2].GetTensorDataAsSpan<float>());
        using var one = instance.Run([[Requests.Floats("x", [1, 2], 3, 4)]], outputs: [1]);
        Assert.Equal([3, 4], Assert.Single(one).GetTensorDataAsSpan<float>());
    }

    [Fact]
    public void Outputs_come_in_the_order_wanted()
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1).Output("y", OnnxModel.Float, -1).Output("z", OnnxModel.Float, -1)
            .Node("Neg", ["x"], ["y"]).Node("Abs", ["y"], ["z"]).ToBytes();
        using var session = TestModels.Open(model);
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([[Requests.Floats("x", [1], 4)]], outputs: [1, 0]);

        Assert.Equal([4, -4], outputs.Select(o => o.GetTensorDataAsSpan<float>()[0]));
    }

    [Fact]
    public void Only_outputs_that_are_wanted_are_computed()
    {
        using var session = TestModels.Open(TestModels.Echo(OnnxModel.Float));
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([[Requests.Floats("x", [1, 1], 4)]], outputs: [1]);

        Assert.Equal([4], Assert.Single(outputs).GetTensorDataAsSpan<float>());
    }

    [Fact]
    public void Bound_run_gives_what_a_plain_one_gives()
    {
        using var session = new InferenceSession(TestModels.Lookup);
        using var described = TestModels.Open(TestModels.Lookup);
        using var bound = new ModelInstance(session, described.Signature, binds: true);
        using var plain = described.CreateInstance();
        Tensor[] input = [Indices(3, 9, 0)];

        using var expected = plain.Run([input]);
        for (var i = 0; i < 3; i++)
        {
            using var outputs = bound.Run([input]);
            Assert.Equal(expected[0].GetTensorDataAsSpan<float>(), outputs[0].GetTensorDataAsSpan<float>());
        }

        Assert.Throws<OnnxRuntimeException>(() => bound.Run([[Indices(10)]]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Initializer_stands_for_its_input_until_a_request_brings_one(bool binds)
    {
        var model = TestModels.Shifted;
        using var session = new InferenceSession(model);
        using var described = TestModels.Open(model);
        using var instance = new ModelInstance(session, described.Signature, binds);

        Assert.Equal("x", Assert.Single(described.Signature.Inputs).Name);
        Assert.Equal("shift", Assert.Single(described.Signature.OptionalInputs).Name);
        Assert.Equal([11, 12], Shifted());
        Assert.Equal([101, 202], Shifted(Requests.Floats("shift", [2], 100, 200)));
        Assert.Equal([11, 12], Shifted());

        float[] Shifted(params Tensor[] optional)
        {
            using var outputs = instance.Run([[Requests.Floats("x", [1, 2], 1, 2), .. optional]]);
            return outputs[0].GetTensorDataAsSpan<float>().ToArray();
        }
    }

    [Fact]
    public async Task Instances_of_one_session_overlap_without_mixing_their_batches()
    {
        using var session = TestModels.Open(TestModels.Lookup);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(() =>
        {
            using var instance = session.CreateInstance();
            for (var i = 0; i < 500; i++)
            {
                using var outputs = instance.Run([[Indices(n)], [Indices(i % 10, n)]]);
                Assert.Equal([10 * n, 10 * (i % 10), 10 * n], outputs[0].GetTensorDataAsSpan<float>());
            }
        })));
    }

    [Fact]
    public async Task Run_ends_when_it_is_told_and_the_next_one_does_not()
    {
        using var session = TestModels.Open(TestModels.Endless);
        using var instance = session.CreateInstance();
        Tensor[] large = [new Tensor("x", Datatype.Fp32, [4096, 512], new byte[4096 * 512 * 4])];
        using var told = new CancellationTokenSource();

        var run = Task.Run(() => instance.Run([large], terminate: told.Token).Dispose(), TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(run.IsCompleted);
        await told.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        instance.Run([[Requests.Floats("x", [1, 512], new float[512])]]).Dispose();
    }

    [Fact]
    public void Failures_are_told_apart()
    {
        using var lookup = TestModels.Open(TestModels.Lookup);
        using var allocate = TestModels.Open(TestModels.Allocate);
        using var looksUp = lookup.CreateInstance();
        using var allocates = allocate.CreateInstance();
        var huge = new Tensor("shape", Datatype.Int64, [1], BitConverter.GetBytes(1L << 45));

        var ofInput = Assert.Throws<OnnxRuntimeException>(() => looksUp.Run([[Indices(10)]]));
        var ofMemory = Assert.ThrowsAny<Exception>(() => allocates.Run([[huge]]));

        Assert.Equal(RunFailure.Input, RunFailures.Classify(ofInput));
        Assert.Equal(RunFailure.Memory, RunFailures.Classify(ofMemory));
        Assert.Equal(RunFailure.Input, RunFailures.Classify(new InvalidDataException()));
        Assert.Equal(RunFailure.Device, RunFailures.Classify(new InvalidOperationException()));
    }

    [Theory]
    [InlineData(
        "Non-zero status code returned while running Conv node. Name:'/conv1/Conv' Status Message: CUDNN_FE failure 11: "
        + "CUDNN_BACKEND_API_FAILED ; GPU=0 ; hostname=w ; file=cudnn_fe_call.cc ; line=33 ; expr=handle->execute(context);", nameof(RunFailure.Device))]
    [InlineData(
        "Non-zero status code returned while running Rfft node. Name:'r' Status Message: CUFFT failure 3: CUFFT_INTERNAL_ERROR ; "
        + "GPU=1 ; hostname=w ; file=fft_ops.cc ; line=9 ; expr=cufftExecR2C(plan);", nameof(RunFailure.Device))]
    [InlineData("Failed to initialize CUDNN Frontend: CUDNN_FE failure 8: HEURISTIC_QUERY_FAILED", nameof(RunFailure.Device))]
    [InlineData(
        "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=w ; file=cuda_call.cc ; line=1 ; expr=x;",
        nameof(RunFailure.Device))]
    [InlineData(
        "Non-zero status code returned while running Conv node. Status Message: CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0 ; "
        + "hostname=w ; file=conv.cc ; line=2 ; expr=cudnnConvolutionForward();", nameof(RunFailure.Memory))]
    [InlineData(
        "Non-zero status code returned while running Gather node. Name:'failure 3: of ours' Status Message: indices element out of data "
        + "bounds, idx=10 must be within the inclusive range [-4,3]", nameof(RunFailure.Input))]
    public void Failure_of_any_library_of_the_device_is_none_of_the_input(string message, string expected) =>
        Assert.Equal(expected, RunFailures.OfRuntime(message).ToString());

    [Fact]
    public void Output_of_two_gibibytes_is_no_failure_of_the_device()
    {
        using var allocate = TestModels.Open(TestModels.Allocate);
        using var allocates = allocate.CreateInstance();
        const long Count = (1L << 31) / sizeof(float);

        using var outputs = allocates.Run([[new Tensor("shape", Datatype.Int64, [1], BitConverter.GetBytes(Count))]]);

        Assert.Equal([Count], Assert.Single(outputs).GetTensorTypeAndShape().Shape);
    }

    [Fact]
    public void Cuda_is_told_of_its_device_and_its_limit()
    {
        var settings = ExecutionDevice.CudaSettings(new WorkerOptions { DeviceId = 3, GpuMemoryLimit = 1L << 33 });

        Assert.Equal("3", settings["device_id"]);
        Assert.Equal("8589934592", settings["gpu_mem_limit"]);
        Assert.Equal("kSameAsRequested", settings["arena_extend_strategy"]);
        Assert.DoesNotContain("gpu_mem_limit", ExecutionDevice.CudaSettings(new WorkerOptions()).Keys);
    }

    private static Tensor Indices(params long[] indices) =>
        new("index", Datatype.Int64, [indices.Length], MemoryMarshal.AsBytes(indices.AsSpan()).ToArray());

    private static Tensor Texts(long[] shape, params string[] texts)
    {
        var bytes = new List<byte>();
        foreach (var text in texts)
        {
            bytes.AddRange(BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)));
            bytes.AddRange(Encoding.UTF8.GetBytes(text));
        }

        return new Tensor("x", Datatype.Bytes, shape, bytes.ToArray());
    }
}
