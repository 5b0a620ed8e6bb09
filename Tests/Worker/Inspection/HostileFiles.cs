using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>Files that must be refused, by what is wrong with them, with a piece of the reason.</summary>
internal static class HostileFiles
{
    public static TheoryData<string, string> Names => new()
    {
        { "empty", "not an ONNX model" },
        { "random", "not an ONNX model" },
        { "text", "not an ONNX model" },
        { "truncated", "cut off" },
        { "runtime format", "own format" },
        { "no graph", "no graph" },
        { "external data", "'model.onnx.data', which is not there" },
        { "external data anywhere", "'/etc/passwd', which is not a relative path" },
        { "external data in an attribute", "outside the file" },
        { "external data in a subgraph", "outside the file" },
        { "external data in a function", "outside the file" },
        { "external data without a location flag", "outside the file" },
        { "custom domain", "'evil.ops.Identity'" },
        { "custom domain in a subgraph", "'evil.ops.Identity'" },
        { "custom domain in a function", "'evil.ops.Identity'" },
        { "compiled by others", "EPContext" },
        { "training", "training" },
        { "deep", "nested" },
        { "many nodes", "nodes" },
        { "huge constant", "declares" },
        { "overflowing constant", "too large" },
        { "huge sparse constant", "made dense" },
        { "length beyond the end", "not an ONNX model" },
        { "group", "not an ONNX model" },
        { "tag that others cut to another field", "not an ONNX model" },
        { "gzip", "compressed by gzip" },
    };

    public static byte[] Make(string name) => name switch
    {
        "empty" => [],
        "tag that others cut to another field" => [.. OnnxFile.Unary("Identity"), 0xA2, 0x81, 0x80, 0x80, 0x10, 0],
        "random" => Random(),
        "text" => "this is not a model"u8.ToArray(),
        "truncated" => OnnxFile.Unary("Identity")[..60],
        "runtime format" => [0x1C, 0, 0, 0, .. "ORTM"u8, .. new byte[64]],
        "no graph" => OnnxFile.Number(1, 8),
        "external data" => OnnxFile.Graph(OnnxFile.Message(5, External("model.onnx.data")), Identity()),
        "external data anywhere" => OnnxFile.Graph(OnnxFile.Message(5, External()), Identity()),
        "external data in an attribute" =>
            OnnxFile.Graph(OnnxFile.Node("Constant", "", "x", "y", OnnxFile.Message(5, OnnxFile.Message(5, External())))),
        "external data in a subgraph" => OnnxFile.Graph(If(OnnxFile.Message(5, External()))),
        "external data in a function" => [.. OnnxFile.Unary("Identity"),
            .. Function(OnnxFile.Node("Constant", "", "x", "y", OnnxFile.Message(5, OnnxFile.Message(5, External()))))],
        "external data without a location flag" => OnnxFile.Graph(
            OnnxFile.Message(5, OnnxFile.Message(13, [.. OnnxFile.Text(1, "location"), .. OnnxFile.Text(2, "/etc/passwd")])), Identity()),
        "custom domain" => OnnxFile.Unary("Identity", "evil.ops"),
        "custom domain in a subgraph" => OnnxFile.Graph(If(OnnxFile.Node("Identity", "evil.ops", "x", "y"))),
        "custom domain in a function" => [.. OnnxFile.Unary("Identity"), .. Function(OnnxFile.Node("Identity", "evil.ops", "x", "y"))],
        "compiled by others" => OnnxFile.Unary("EPContext", "com.microsoft"),
        "training" => [.. OnnxFile.Unary("Identity"), .. OnnxFile.Message(20, [])],
        "deep" => OnnxFile.Graph(Nested(40)),
        "many nodes" => OnnxFile.Graph([.. Enumerable.Repeat(Identity(), 300)]),
        "huge constant" => OnnxFile.Graph(OnnxFile.Message(5, OnnxFile.Tensor("c", [1L << 40], new byte[4])), Identity()),
        "overflowing constant" => OnnxFile.Graph(OnnxFile.Message(5, OnnxFile.Tensor("c", [1L << 40, 1L << 40], new byte[4])), Identity()),
        "huge sparse constant" => OnnxFile.Graph(OnnxFile.Message(
            15, [.. OnnxFile.Message(1, OnnxFile.Tensor("c", [1], new byte[4])), .. OnnxFile.Number(3, 1UL << 40)]), Identity()),
        "length beyond the end" => [.. OnnxFile.Number(1, 8), 0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        "gzip" => [0x1F, 0x8B, 8, 0, .. new byte[16]],
        "group" => [.. OnnxFile.Number(1, 8), 0x3B, 0x3C],
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    public static byte[] Identity() => OnnxFile.Node("Identity", "", "x", "y");

    private static byte[] External(string location = "/etc/passwd") =>
    [
        .. OnnxFile.Text(8, "c"),
        .. OnnxFile.Number(1, 4),
        .. OnnxFile.Message(13, [.. OnnxFile.Text(1, "location"), .. OnnxFile.Text(2, location)]),
        .. OnnxFile.Number(14, 1),
    ];

    // An attribute with a graph, as the branches of If have.
    private static byte[] If(byte[] content) => OnnxFile.Node("If", "", "x", "y", OnnxFile.Message(5, OnnxFile.Message(6, content)));

    private static byte[] Nested(int depth) => depth == 0 ? Identity() : If(Nested(depth - 1));

    // What is field 1 of a graph is field 7 of a function.
    private static byte[] Function(byte[] node) =>
        OnnxFile.Message(25, [.. OnnxFile.Text(1, "f"), .. OnnxFile.Text(10, "own"), 0x3A, .. node[1..]]);

    private static byte[] Random()
    {
        var bytes = new byte[4096];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
