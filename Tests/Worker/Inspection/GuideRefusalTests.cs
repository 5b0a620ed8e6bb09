using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Inspection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>The refusals of docs/bring-your-own-model.md are those that people meet.</summary>
public sealed class GuideRefusalTests : IDisposable
{
    private const int Float8 = 17;
    private const int Int16 = 5;

    private static readonly string Guide = File.ReadAllText(Path.Combine(Repository.Root, "docs", "bring-your-own-model.md"));

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"guide-test-{Guid.NewGuid():N}.onnx");

    public static TheoryData<string, string> Refusals => new()
    {
        { "external data", "it keeps data outside the file" },
        { "custom operator", "it uses the operator 'my.ops.Name', which is not allowed" },
        { "sequence", "only tensors are served" },
        { "float8", "for which the protocol has no datatype" },
        { "text", "this is not an ONNX model, or it is cut off" },
        { "truncated", "this is not an ONNX model, or it is cut off" },
        { "runtime format", "this is in ONNX Runtime's own format; only ONNX files are served" },
        { "gzip", "this is compressed by gzip" },
        { "training", "it holds training graphs; only models for inference are served" },
        { "new opset", "export it with opset" },
        { "new IR version", "export it with an older version of onnx" },
        { "no kernel", "export it with a later opset" },
        { "unknown operator", "ONNX Runtime can't open it" },
    };

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Refusal_of_the_guide_is_what_such_a_file_meets(string name, string reason)
    {
        await File.WriteAllBytesAsync(_path, Make(name), TestContext.Current.CancellationToken);
        var inspector = new ModelInspector(
            Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
            TimeProvider.System);

        var report = await inspector.InspectAsync(_path, samplePath: null, TestContext.Current.CancellationToken);

        Assert.True(report.Reason?.Contains(reason, StringComparison.Ordinal), $"{name}: {report.Reason}");
        Assert.Contains($"| `{reason}` |", Guide, StringComparison.Ordinal);
    }

    [Fact]
    public void Guide_lists_no_refusal_that_was_not_met()
    {
        var met = Refusals.Select(r => r.Data.Item2).ToHashSet();
        var listed = Guide.Split('\n')
            .Where(l => l.StartsWith("| `it ", StringComparison.Ordinal) || l.StartsWith("| `this ", StringComparison.Ordinal))
            .Select(l => l.Split('`')[1]);

        // ModelInspectorTests meets the limits, ServedGenerationTests what generates nothing.
        Assert.Empty(listed.Except([.. met, "it needs more than the allowed", "it did not generate a token"]));
    }

    private static byte[] Make(string name) => name switch
    {
        "custom operator" => OnnxFile.Unary("Name", "my.ops"),
        "sequence" => OnnxFile.Model(OnnxFile.Message(7, [
            .. OnnxFile.Node("SequenceConstruct", "", "x", "y"), .. OnnxFile.Text(2, "graph"), .. OnnxFile.Value(11, "x"), .. Sequence("y"),
        ])),
        "float8" => [
            .. new OnnxModel().Input("x", OnnxModel.Float, -1).Output("y", Float8, -1).Node("Cast", ["x"], ["y"], ("to", Float8)).ToBytes(),
            .. OnnxFile.Message(8, [.. OnnxFile.Text(1, ""), .. OnnxFile.Number(2, 19)]),
        ],
        "new opset" => [.. OnnxFile.Unary("Identity"), .. OnnxFile.Message(8, [.. OnnxFile.Text(1, ""), .. OnnxFile.Number(2, 999)])],
        "new IR version" => [.. OnnxFile.Unary("Identity"), .. OnnxFile.Number(1, 99)],
        "no kernel" => new OnnxModel()
            .Input("x", Int16, -1).Output("y", Int16, -1).Node("Min", ["x", "x"], ["y"]).ToBytes(),
        "unknown operator" => OnnxFile.Unary("NoSuchOperator"),
        _ => HostileFiles.Make(name),
    };

    // An output that is a sequence of tensors.
    private static byte[] Sequence(string name) => OnnxFile.Message(12, [
        .. OnnxFile.Text(1, name),
        .. OnnxFile.Message(2, OnnxFile.Message(4, OnnxFile.Message(1, OnnxFile.Message(1, OnnxFile.Number(1, 1))))),
    ]);
}
