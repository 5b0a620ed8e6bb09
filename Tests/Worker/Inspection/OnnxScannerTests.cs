using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Tests.Worker.Inspection;

public sealed class OnnxScannerTests
{
    private static readonly InspectionLimits Limits = new(
        ["ai.onnx", "com.microsoft"], MaxNodes: 256, MemoryBytes: 1 << 30, CpuSeconds: 10);

    public static TheoryData<string, string> Hostile => HostileFiles.Names;

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Scanner_refuses_what_must_not_be_opened(string name, string reason)
    {
        using var file = new MemoryStream(HostileFiles.Make(name));

        var refused = Assert.Throws<ModelRefusedException>(() => OnnxScanner.Scan(file, Limits));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Scanner_reads_what_the_file_says_of_itself()
    {
        using var file = new MemoryStream(OnnxFile.Unary("Identity", producer: "a\0b"));

        var metadata = OnnxScanner.Scan(file, Limits).Metadata;

        Assert.Equal("a b", metadata.Producer);
        Assert.Equal("graph", metadata.Graph);
        Assert.Equal("made by a test", metadata.Description);
        Assert.Equal(17, Assert.Single(metadata.Opsets, o => o.Key == "ai.onnx").Value);
        Assert.Equal("a test", metadata.Properties["purpose"]);
    }

    [Theory]
    [InlineData("labels", 60_000, 60_000)]
    [InlineData("labels.y", 60_000, 60_000)]
    [InlineData("labels", 70_000, null)]
    [InlineData("purpose", 60_000, 4096)]
    [InlineData("readme", 60_000, 60_000)]
    [InlineData("readme", 70_000, 65_536)]
    public void Scanner_keeps_names_of_classes_whole_or_leaves_them_out_and_cuts_other_texts(string key, int length, int? kept)
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, 1).Output("y", OnnxModel.Float, 1).Node("Identity", ["x"], ["y"])
            .Property(key, new string('n', length));
        using var file = new MemoryStream(model.ToBytes());

        Assert.Equal(kept, OnnxScanner.Scan(file, Limits).Metadata.Properties.GetValueOrDefault(key)?.Length);
    }

    [Fact]
    public void Scanner_leaves_out_properties_beyond_what_a_file_may_say_of_itself()
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, 1).Output("y", OnnxModel.Float, 1).Node("Identity", ["x"], ["y"]);
        for (var i = 0; i < 60; i++)
        {
            model.Property($"labels.{i}", new string('n', 60_000));
        }

        using var file = new MemoryStream(model.Property("purpose", "a test").ToBytes());

        var properties = OnnxScanner.Scan(file, Limits).Metadata.Properties;

        // Four of 60,000 characters and their names; 256 KiB are possible.
        Assert.Equal(
            ["labels.0", "labels.1", "labels.2", "labels.3", "purpose"], properties.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("a test", properties["purpose"]);
    }

    [Fact]
    public void Scanner_allows_a_domain_whose_operators_the_model_defines()
    {
        byte[] model =
        [
            .. OnnxFile.Unary("Twice", "own"),
            .. OnnxFile.Message(25, [.. OnnxFile.Text(1, "Twice"), .. OnnxFile.Text(10, "own"), .. OnnxFile.Text(4, "x"),
                .. OnnxFile.Message(7, NodeContent())]),
        ];
        using var file = new MemoryStream(model);

        Assert.Equal("graph", OnnxScanner.Scan(file, Limits).Metadata.Graph);
    }

    [Fact]
    public void Scanner_allows_a_domain_that_is_imported_and_not_used()
    {
        byte[] model =
        [
            .. OnnxFile.Unary("Identity"),
            .. OnnxFile.Message(8, [.. OnnxFile.Text(1, "org.pytorch.aten"), .. OnnxFile.Number(2, 1)]),
        ];
        using var file = new MemoryStream(model);

        Assert.Equal(1, OnnxScanner.Scan(file, Limits).Metadata.Opsets["org.pytorch.aten"]);
    }

    [Fact]
    public void Every_beginning_of_a_model_is_refused_or_scanned_without_another_failure()
    {
        var model = OnnxFile.Add(1);
        for (var length = 0; length < model.Length; length++)
        {
            using var file = new MemoryStream(model, 0, length);
            try
            {
                OnnxScanner.Scan(file, Limits);
            }
            catch (ModelRefusedException)
            {
                // As it should be; anything else fails the test.
            }
        }
    }

    [Fact]
    public void Every_flipped_byte_is_refused_or_scanned_without_another_failure()
    {
        var model = OnnxFile.Add(1);
        for (var at = 0; at < model.Length; at++)
        {
            var changed = (byte[])model.Clone();
            changed[at] ^= 0xFF;
            using var file = new MemoryStream(changed);
            try
            {
                OnnxScanner.Scan(file, Limits);
            }
            catch (ModelRefusedException)
            {
                // As above.
            }
        }
    }

    private static byte[] NodeContent() => [.. OnnxFile.Text(1, "x"), .. OnnxFile.Text(2, "y"), .. OnnxFile.Text(4, "Identity")];
}
