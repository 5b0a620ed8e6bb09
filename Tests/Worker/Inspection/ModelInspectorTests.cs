using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>With the process that really opens models.</summary>
public sealed class ModelInspectorTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"inspector-test-{Guid.NewGuid():N}.onnx");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_path);

    [Fact]
    public async Task Inspector_tells_what_a_model_is()
    {
        var report = await InspectAsync(OnnxFile.Add(1), new());

        Assert.Null(report.Reason);
        var input = Assert.Single(report.Model!.Signature.Inputs);
        Assert.Equal(("x", Datatype.Fp32, "[-1,4]"), (input.Name, input.Datatype, TensorShape.Format(input.Shape)));
        Assert.Equal("add", report.Model.Metadata.Graph);
        Assert.True(report.Model.MemoryBytes >= new FileInfo(_path).Length);
    }

    [Fact]
    public async Task Inspector_opens_a_model_of_several_files_and_counts_those_that_are_its_own()
    {
        var files = ExternalModel.Files(scale: 3, shift: 10, "folder/");
        File.WriteAllBytes(_path, ExternalModel.Zip(files));
        var folder = $"{_path}.files";
        ModelArchive.Extract(_path, folder, long.MaxValue, Cancellation);
        await using (var checkpoint = File.Create(Path.Combine(folder, "folder", "checkpoint.bin")))
        {
            checkpoint.SetLength(1L << 30);
        }

        try
        {
            var inspector = new ModelInspector(
                Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
            TimeProvider.System);

            var report = await inspector.InspectAsync(folder, samplePath: null, Cancellation);

            Assert.Null(report.Reason);
            Assert.Equal("[-1,4]", TensorShape.Format(Assert.Single(report.Model!.Signature.Inputs).Shape));
            Assert.True(report.Model.Batching!.Independent);
            Assert.InRange(report.Model.MemoryBytes, files.Sum(f => f.Content.Length), 1L << 29);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Text_operators_need_no_more_of_their_locale_than_images_have()
    {
        const string Images = "/usr/lib/locale/C.utf8";
        Assert.SkipUnless(Directory.Exists(Images), $"Needs {Images}, a part of glibc on Debian and Ubuntu.");
        var folder = Directory.CreateTempSubdirectory();
        Environment.SetEnvironmentVariable("LOCPATH", folder.FullName);
        try
        {
            var without = await InspectAsync(OnnxModel.Lowercase, new());
            Directory.CreateSymbolicLink(Path.Combine(folder.FullName, "en_US.UTF-8"), Images);
            var with = await InspectAsync(OnnxModel.Lowercase, new());

            Assert.Equal("the locale en_US.UTF-8 is not installed where the worker runs, and its text operators need it", without.Reason);
            Assert.Null(with.Reason);
        }
        finally
        {
            Environment.SetEnvironmentVariable("LOCPATH", null);
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("id-fp32", null)]
    [InlineData("conv3", null)]
    [InlineData("div", null)]
    [InlineData("heads", null)]
    [InlineData("idiv", null)]
    [InlineData("str2float", null)]
    [InlineData("topk5", null)]
    [InlineData("cumsum", "is another alone than beside others")]
    [InlineData("sk-onehot-strict", "did not run on made-up inputs")]
    public async Task Inspector_tells_whether_requests_may_share_runs(string name, string? reason)
    {
        var report = await InspectAsync(SmallModels.Read(name), new());

        Assert.Null(report.Reason);
        Assert.Equal(reason is null, report.Model!.Batching!.Independent);
        Assert.Contains(reason ?? "", report.Model.Batching.Reason ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y", null)]
    [InlineData("unheard-of", "it did not run on its sample request: ")]
    public async Task Inspector_runs_the_sample_request_first(string word, string? reason)
    {
        var samplePath = $"{_path}.sample";
        await InspectionJson.WriteSampleAsync(samplePath, SampleProofTests.Words(2, "a", "x", "b", word), Cancellation);
        try
        {
            var report = await InspectAsync(SmallModels.Read("sk-onehot-strict"), new(), samplePath: samplePath);

            Assert.Null(report.Reason);
            Assert.Equal((reason is null, reason is null), (report.SampleHasRun, report.Model!.Batching!.Independent));
            Assert.StartsWith(reason ?? "", report.Model.Batching.Reason ?? "", StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(samplePath);
        }
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(1, false)]
    public async Task Inputs_with_an_initializer_are_optional_where_a_request_could_bring_all(int most, bool optional)
    {
        var report = await InspectAsync(Execution.TestModels.Shifted, new(), new() { MaxTensors = most });

        var signature = report.Model!.Signature;
        Assert.Equal("x", Assert.Single(signature.Inputs).Name);
        Assert.Equal(
            optional ? ["shift FP32 [2]"] : [],
            signature.OptionalInputs.Select(i => $"{i.Name} {i.Datatype.Name()} {TensorShape.Format(i.Shape)}"));
        Assert.True(report.Model.Batching!.Independent);
    }

    [Fact]
    public async Task Inspector_tells_a_tensor_of_any_rank_from_a_scalar()
    {
        var model = new OnnxModel().UnrankedInput("x", OnnxModel.Float).Input("s", OnnxModel.Float)
            .UnrankedOutput("y", OnnxModel.Float)
                .Output("t", OnnxModel.Float).Node("Identity", ["x"], ["y"]).Node("Identity", ["s"], ["t"]);

        var report = await InspectAsync(model.ToBytes(), new());

        Assert.Equal([("x", true), ("s", false)], report.Model!.Signature.Inputs.Select(input => (input.Name, input.IsUnranked)));
        Assert.Equal([("y", true), ("t", false)], report.Model.Signature.Outputs.Select(output => (output.Name, output.IsUnranked)));
    }

    [Fact]
    public async Task Model_that_is_too_large_to_be_tried_is_accepted_and_not_batched()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setrlimit: memory is limited on Linux only.");

        // Runs with a row, but not with the rows of a proof: each becomes 32 MiB, of which there are two.
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1, 1).Output("y", OnnxModel.Float, -1, 1 << 23)
            .Integers("wide", [1, 1 << 23], 2).Node("Expand", ["x", "wide"], ["y"]).ToBytes();

        var report = await InspectAsync(model, new InspectionOptions { MemoryBytes = 512 << 20 });

        Assert.Null(report.Reason);
        Assert.False(report.Model!.Batching!.Independent);
    }

    [Theory]
    [InlineData("random", "not an ONNX model")]
    [InlineData("external data", "outside the file")]
    [InlineData("custom domain", "not allowed")]
    public async Task Inspector_refuses_what_the_scanner_refuses(string name, string reason)
    {
        var report = await InspectAsync(HostileFiles.Make(name), new());

        Assert.Contains(reason, report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspector_refuses_what_ONNX_Runtime_cannot_open()
    {
        var report = await InspectAsync(OnnxFile.Unary("NoSuchOperator"), new());

        Assert.Contains("ONNX Runtime", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspector_refuses_a_model_that_eats_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setrlimit: memory is limited on Linux only.");

        // 64 GiB, by an operator that needs but eight bytes to say so.
        byte[] size = [.. OnnxFile.Number(1, 1), .. OnnxFile.Number(2, 7), .. OnnxFile.Text(8, "n"),
            .. OnnxFile.Message(9, BitConverter.GetBytes(1L << 34))];
        var model = OnnxFile.Graph(
            OnnxFile.Message(5, size),
            OnnxFile.Node("ConstantOfShape", "", "n", "big"),
            OnnxFile.Message(1, [.. OnnxFile.Text(1, "big"), .. OnnxFile.Text(2, "sum"), .. OnnxFile.Text(4, "ReduceSum")]),
            OnnxFile.Message(
                1, [.. OnnxFile.Text(1, "x"), .. OnnxFile.Text(1, "sum"), .. OnnxFile.Text(2, "y"), .. OnnxFile.Text(4, "Add")]));

        var report = await InspectAsync(model, new InspectionOptions { MemoryBytes = 512 << 20 });

        Assert.NotNull(report.Reason);
        Assert.Null(report.Model);
    }

    [Fact]
    public async Task Inspector_ends_a_model_that_takes_too_long()
    {
        var report = await InspectAsync(Endless(), new InspectionOptions { Timeout = TimeSpan.FromSeconds(1), CpuSeconds = 600 });

        Assert.Contains("longer than 1 s", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspector_ends_a_model_that_takes_too_much_processor_time()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setrlimit: processor time is limited on Linux only.");

        var report = await InspectAsync(Endless(), new InspectionOptions { CpuSeconds = 1 });

        Assert.Contains("processor time", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspector_goes_on_after_a_crash()
    {
        // No process can be that small: it dies in whatever way it does.
        var crashed = await InspectAsync(OnnxFile.Add(1), new InspectionOptions { MemoryBytes = 1 << 20 });
        var fine = await InspectAsync(OnnxFile.Add(1), new());

        Assert.Equal(OperatingSystem.IsLinux(), crashed.Reason is not null);
        Assert.Null(fine.Reason);
    }

    [Theory]
    [InlineData(256, 1, 16, null)]
    [InlineData(257, 1, 1, "it has 257 inputs, and a request may have 256 (Limits:MaxTensors)")]
    [InlineData(1, 257, 1, "it has 257 outputs, and a request may have 256 (Limits:MaxTensors)")]
    [InlineData(1, 1, 17, "input 'x0' has 17 dimensions, and a tensor may have 16 (Limits:MaxDimensions)")]
    public async Task Model_that_no_request_could_call_is_refused(int inputs, int outputs, int dimensions, string? reason)
    {
        var (model, shape) = (new OnnxModel(), Enumerable.Repeat(1L, dimensions).ToArray());
        for (var i = 0; i < inputs; i++)
        {
            model.Input($"x{i}", OnnxModel.Float, shape);
        }

        for (var i = 0; i < outputs; i++)
        {
            model.Output($"y{i}", OnnxModel.Float, shape).Node("Sum", [.. Enumerable.Range(0, inputs).Select(x => $"x{x}")], [$"y{i}"]);
        }

        var report = await InspectAsync(model.ToBytes(), new());

        Assert.Equal(reason, report.Reason);
    }

    [Fact]
    public async Task Input_larger_than_a_request_may_be_is_refused()
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1, 1 << 25)
            .Output("y", OnnxModel.Float, -1, 1).Node("ReduceSum", ["x", "axes"], ["y"])
            .Integers("axes", [1], 1);

        var report = await InspectAsync(model.ToBytes(), new());

        Assert.Equal("input 'x' has 33554432 elements at least, and a tensor may have 16777216 (Limits:MaxElements)", report.Reason);
    }

    // A loop of 2^60 turns.
    private static byte[] Endless()
    {
        byte[] turns = [.. OnnxFile.Number(2, 7), .. OnnxFile.Text(8, "turns"), .. OnnxFile.Message(9, BitConverter.GetBytes(1L << 60))];
        byte[] boolean = OnnxFile.Message(2, OnnxFile.Message(1, [.. OnnxFile.Number(1, 9), .. OnnxFile.Message(2, [])]));
        byte[] number = OnnxFile.Message(2, OnnxFile.Message(1, [.. OnnxFile.Number(1, 7), .. OnnxFile.Message(2, [])]));
        byte[] body =
        [
            .. OnnxFile.Node("Identity", "", "on", "on_next"),
            .. OnnxFile.Node("Sin", "", "value", "value_next"),
            .. OnnxFile.Text(2, "body"),
            .. OnnxFile.Message(11, [.. OnnxFile.Text(1, "turn"), .. number]),
            .. OnnxFile.Message(11, [.. OnnxFile.Text(1, "on"), .. boolean]),
            .. OnnxFile.Value(11, "value"),
            .. OnnxFile.Message(12, [.. OnnxFile.Text(1, "on_next"), .. boolean]),
            .. OnnxFile.Value(12, "value_next"),
        ];
        return OnnxFile.Graph(
            OnnxFile.Message(5, turns),
            OnnxFile.Message(1, [
                .. OnnxFile.Text(1, "turns"), .. OnnxFile.Text(1, ""), .. OnnxFile.Text(1, "x"), .. OnnxFile.Text(2, "y"),
                .. OnnxFile.Text(4, "Loop"),
                .. OnnxFile.Message(5, [.. OnnxFile.Text(1, "body"), .. OnnxFile.Message(6, body), .. OnnxFile.Number(20, 5)]),
            ]));
    }

    private async Task<InspectionReport> InspectAsync(
        byte[] model, InspectionOptions options, SignatureLimits? limits = null, string? samplePath = null)
    {
        await File.WriteAllBytesAsync(_path, model, Cancellation);
        return await new ModelInspector(
            Options.Create(options), Options.Create(limits ?? new()), Options.Create(new WorkerOptions()), TimeProvider.System)
            .InspectAsync(_path, samplePath, Cancellation);
    }
}
