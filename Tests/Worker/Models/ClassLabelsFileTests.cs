using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Tests.Worker.Models;

public sealed class ClassLabelsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("labels-").FullName;

    private string Model => Path.Combine(_folder, "model.onnx");

    private string Labels => Path.Combine(_folder, "labels.txt");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Names_of_classes_stand_beside_the_file()
    {
        Assert.Null(ClassLabelsFile.Read(Model));

        File.WriteAllText(Labels, "cat\nHündin\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal("cat\nHündin\n", ClassLabelsFile.Read(Model));

        File.WriteAllBytes(Labels, [0xFF, 0xFE]);
        Assert.Equal(
            "a/1/labels.txt is not UTF-8", Assert.Throws<InvalidDataException>(() => ClassLabelsFile.Read(Model, "a/1/")).Message);

        File.WriteAllBytes(Labels, new byte[65_537]);
        Assert.Equal(
            "labels.txt has 65537 bytes; at most 65536 are allowed",
            Assert.Throws<InvalidDataException>(() => ClassLabelsFile.Read(Model)).Message);
    }

    [Theory]
    [InlineData(Datatype.Fp32, "cat\ndog\n", -1L, 2L)]
    [InlineData(Datatype.Uint8, "cat\r\ndog", -1L, 2L)]
    [InlineData(Datatype.Fp32, "[\"cat\", \"dog\"]", -1L, 1L, 2L)]
    [InlineData(Datatype.Fp32, "cat\ndog", 2L)]
    [InlineData(Datatype.Fp32, "cat\ndog", -1L, -1L)]
    public void Names_of_as_many_classes_as_an_output_has_are_taken(Datatype datatype, string labels, params long[] shape) => Assert.Equal(
        labels, ClassLabelsFile.Added(new(), labels, Signature(datatype, shape)).Properties["labels"]);

    [Theory]
    [InlineData(Datatype.Fp32, "cat\ndog\nbird", "names 3 classes, and no output has as many: 'scores' FP32 [-1,2]", -1L, 2L)]
    [InlineData(Datatype.Fp32, "cat", "names 1 classes", -1L, 2L)]
    [InlineData(Datatype.Fp32, "\n", "names 0 classes", -1L, 2L)]
    [InlineData(Datatype.Bool, "cat\ndog", "names 2 classes", -1L, 2L)]
    [InlineData(Datatype.Bytes, "cat\ndog", "names 2 classes", -1L, -1L)]
    [InlineData(Datatype.Fp32, "cat\ndog", "names 2 classes", 3L)]
    public void Names_of_another_number_are_refused_with_what_there_is(
        Datatype datatype, string labels, string reason, params long[] shape) => Assert.StartsWith(
            $"labels.txt {reason}",
            Assert.Throws<InvalidDataException>(() => ClassLabelsFile.Added(new(), labels, Signature(datatype, shape))).Message,
            StringComparison.Ordinal);

    private static ModelSignature Signature(Datatype datatype, long[] shape) => new(
        [new("x", Datatype.Fp32, shape is [-1, ..] ? [-1] : [1])], [new("scores", datatype, shape)]);
}
