using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Pipelines;

namespace InferenceTemplate.Tests.Worker.Pipelines;

/// <summary>What a <c>pipeline.json</c> becomes, and what is refused in one.</summary>
public sealed class PipelineGraphTests : IDisposable
{
    // Whatever a step's model is called, by its name.
    private static readonly Dictionary<string, ModelSignature> Models = new()
    {
        ["scale"] = new(
            [new("x", Datatype.Fp32, [-1, 2])],
            [new("y", Datatype.Fp32, [-1, 2]), new("count", Datatype.Int64, [-1])]),
        ["loose"] = new([new("x", Datatype.Fp32, [], IsUnranked: true)], [new("any", Datatype.Fp32, [], IsUnranked: true)]),
        ["add"] = new([new("a", Datatype.Fp32, [-1, -1]), new("b.in", Datatype.Fp32, [-1, 2])], [new("sum", Datatype.Fp32, [-1, -1])])
        {
            OptionalInputs = [new("shift", Datatype.Fp32, [2])],
        },
        ["wide"] = new([new("x", Datatype.Fp32, [-1, 3])], [new("y", Datatype.Fp32, [-1, 3])]),
        ["single"] = new([new("x", Datatype.Fp32, [1, 2])], [new("y", Datatype.Fp32, [1, 2])]),
    };

    private const string First = """{"name": "one", "model": "scale", "version": "1", "inputs": {"x": "in"}}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-").FullName;

    [Fact]
    public void File_that_begins_with_a_byte_order_mark_is_read_without_it()
    {
        var path = Path.Combine(_folder, PipelineSettings.FileName);
        File.WriteAllText(path, Pipeline(First), new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));

        Assert.Equal(0xEF, File.ReadAllBytes(path)[0]);
        Assert.Equal("one", Assert.Single(PipelineSettings.Read(path).Steps).Name);
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { """{"inputs": ["in"], "steps": []""", "pipeline.json can't be read" },
        { """{"inputs": ["in"], "outputs": {"o": "one.y"}}""", "pipeline.json can't be read" },
        { """{"inputs": null, "steps": [], "outputs": {}}""", "pipeline.json can't be read" },
        { Pipeline(First, more: """, "mode": "fast" """), "pipeline.json can't be read" },
        { """{"inputs": ["in"], "inputs": ["in"], "steps": [], "outputs": {}}""", "pipeline.json can't be read" },
        { """{"inputs": [], "steps": [], "outputs": {}}""", "inputs names none" },
        { """{"inputs": ["in"], "steps": [], "outputs": {"o": "one.y"}}""", "it has 0 steps; 1 to 16 are possible" },
        { Pipeline(Chain(17)), "it has 17 steps; 1 to 16 are possible" },
        { $$$"""{"inputs": ["in"], "steps": [{{{First}}}], "outputs": {}}""", "outputs names none" },
        { """{"inputs": ["in"], "steps": [null], "outputs": {"o": "one.y"}}""", "the name of step '' is not 1 to 64 letters" },
        { Pipeline(First.Replace("one", "o.ne", StringComparison.Ordinal)), "the name of step 'o.ne' is not 1 to 64 letters" },
        { Pipeline($"{First}, {First}"), "there are two steps 'one'" },
        { Pipeline(First, inputs: "\"in\", \"in\""), "there are two inputs 'in'" },
        { Pipeline(First.Replace("scale", "a/b", StringComparison.Ordinal)), "step 'one': model 'a/b' is not 1 to 128 letters" },
        {
            Pipeline(First.Replace("\"1\"", "\"prod\"", StringComparison.Ordinal)),
            "step 'one': version 'prod' is not a positive integer of up to 18 digits; an alias would change the answers"
        },
        { Pipeline(First.Replace("\"in\"", "null", StringComparison.Ordinal)), "step 'one': input 'x' is null" },
        { Pipeline(First.Replace("\"x\"", "\"z\"", StringComparison.Ordinal)), "step 'one': its model has no input 'z', but 'x'" },
        { Pipeline(First.Replace("\"x\": \"in\"", "", StringComparison.Ordinal)), "step 'one': the input 'x' of its model is not mapped" },
        {
            Pipeline(First.Replace("\"in\"", "\"ni\"", StringComparison.Ordinal)),
            "input 'x' is 'ni', which the pipeline's inputs do not name"
        },
        { Pipeline(First.Replace("\"in\"", "\"two.y\"", StringComparison.Ordinal)), "and there is no step 'two'" },
        { Pipeline(First.Replace("\"in\"", "\"one.y\"", StringComparison.Ordinal)), "and step 'one' does not run before it" },
        {
            Pipeline($"{First.Replace("\"in\"", "\"two.y\"", StringComparison.Ordinal)}, {Step("two", "scale", "x", "one.y")}"),
            "step 'one': input 'x' is 'two.y', and step 'two' does not run before it"
        },
        { Pipeline($"{First}, {Step("two", "scale", "x", "one.z")}"), "is an output 'z' of step 'one', whose model has 'y', 'count'" },
        {
            Pipeline($"{First}, {Step("two", "scale", "x", "one.count")}"),
            "step 'two': input 'x' is FP32 [-1,2], and 'one.count' is INT64 [-1]"
        },
        { Pipeline($"{First}, {Step("two", "wide", "x", "one.y")}"), "step 'two': input 'x' is FP32 [-1,3], and 'one.y' is FP32 [-1,2]" },
        {
            Pipeline($"{First}, {Step("two", "wide", "x", "in")}"),
            "input 'in' can't be what its steps take: step 'one': input 'x' is FP32 [-1,2], step 'two': input 'x' is FP32 [-1,3]"
        },
        {
            Pipeline("""{"name": "one", "model": "add", "version": "1", "inputs": {"a": "in", "b.in": "in", "shift": "in"}}"""),
            "step 'one': the input 'shift' has a value in its model and keeps it"
        },
        { Pipeline(First, inputs: "\"in\", \"more\""), "no step takes the input 'more'" },
        { Pipeline($"{First}, {Step("two", "scale", "x", "one.y")}"), "nothing takes an output of step 'two'" },
        { Pipeline(First, output: "in"), "output 'o' is 'in'; the output of a step is expected" },
        { Pipeline(First, output: "one.z"), "output 'o' is an output 'z' of step 'one'" },
        { Pipeline(First, output: "three.y"), "output 'o' is 'three.y', and there is no step 'three'" },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Pipeline_that_can_not_be_is_refused_with_the_place(string json, string reason)
    {
        var refused = Assert.Throws<ModelRefusedException>(() => Connect(json));

        Assert.StartsWith("pipeline.json", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_beside_a_pipeline_is_refused()
    {
        File.WriteAllText(Path.Combine(_folder, "labels.txt"), "a\nb");

        var refused = Assert.Throws<ModelRefusedException>(() => Connect(Pipeline(First)));

        Assert.Contains("has to be alone, and 'labels.txt' is there too", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Model_beside_a_pipeline_is_refused()
    {
        File.WriteAllText(Path.Combine(_folder, PipelineSettings.FileName), Pipeline(First));

        var refused = Assert.Throws<ModelRefusedException>(() => PipelineSettings.In(Path.Combine(_folder, "model.onnx")));

        Assert.Contains("it has both pipeline.json and model.onnx", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void As_many_steps_as_are_allowed_are_taken()
    {
        var graph = Connect(Pipeline(Chain(16), output: "s15.y"));

        Assert.Equal(16, graph.Steps.Count);
        Assert.Equal(new BatchProof(true), graph.Batching);
    }

    [Fact]
    public void Signature_is_what_all_steps_take_and_the_outputs_are()
    {
        var graph = Connect("""
            {
              "inputs": ["left", "right"],
              "steps": [
                {"name": "one", "model": "scale", "version": "1", "inputs": {"x": "left"}},
                {"name": "free", "model": "loose", "version": "1", "inputs": {"x": "one.y"}},
                {"name": "two", "model": "add", "version": "1", "inputs": {"a": "left", "b.in": "free.any"}},
                {"name": "three", "model": "add", "version": "1", "inputs": {"a": "two.sum", "b.in": "right"}}
              ],
              "outputs": {"sum": "three.sum", "count": "one.count"}
            }
            """);

        Assert.Equal(["left FP32 [-1,2]", "right FP32 [-1,2]"], graph.Signature.Inputs.Select(Told));
        Assert.Equal(["sum FP32 [-1,-1]", "count INT64 [-1]"], graph.Signature.Outputs.Select(Told));
        Assert.Equal([new Source(2, 0), new Source(null, 1)], graph.Steps[3].Inputs);
    }

    [Fact]
    public void Step_that_takes_one_row_keeps_requests_apart()
    {
        var graph = Connect(Pipeline($"{First}, {Step("two", "single", "x", "one.y")}", output: "two.y"));

        Assert.Equal([-1, 2], graph.Signature.Inputs[0].Shape);
        Assert.False(graph.Batching.Independent);
        Assert.Equal("step 'two': an input or output does not leave its first dimension open", graph.Batching.Reason);
    }

    private static string Told(TensorSignature tensor) => $"{tensor.Name} {tensor.Datatype.Name()} {TensorShape.Format(tensor.Shape)}";

    private static string Pipeline(string steps, string inputs = "\"in\"", string output = "one.y", string more = "") =>
        $$"""{"inputs": [{{inputs}}], "steps": [{{steps}}], "outputs": {"o": "{{output}}"}{{more}}}""";

    private static string Step(string name, string model, string input, string from) =>
        $$$"""{"name": "{{{name}}}", "model": "{{{model}}}", "version": "1", "inputs": {"{{{input}}}": "{{{from}}}"}}""";

    private static string Chain(int count) => string.Join(
        ", ", Enumerable.Range(0, count).Select(i => Step($"s{i}", "scale", "x", i == 0 ? "in" : $"s{i - 1}.y")));

    private PipelineGraph Connect(string json)
    {
        var path = Path.Combine(_folder, PipelineSettings.FileName);
        File.WriteAllText(path, json);
        var settings = PipelineSettings.Read(path);
        return PipelineGraph.Connect(settings, [.. settings.Steps.Select(s => Models[s.Model])]);
    }
}
