using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>Whether numbers that a caller may send end the process that runs a model.</summary>
public sealed class ValueTrialsTests
{
    [Theory]
    [InlineData("Div", true)]
    [InlineData("Mod", true)]
    [InlineData("Add", false)]
    public async Task Quotient_that_no_integer_holds_is_found_and_its_dividend_is_refused(string type, bool ends)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "Only x64 traps on it.");
        var report = await EmptyTrialsTests.InspectAsync(new OnnxModel()
            .Input("a", OnnxModel.Int64, -1).Input("b", OnnxModel.Int64, -1).Output("y", OnnxModel.Int64, -1)
            .Node(type, ["a", "b"], ["y"])
            .ToBytes());

        Assert.Null(report.Reason);
        Assert.True(report.Model!.Batching!.Independent);
        Assert.Equal(ends, report.Model.Signature.EndsOnSmallest);
        var refusal = SmallestIntegers.Refusal(report.Model.Signature, [Integers("a", 7, long.MinValue), Integers("b", -1, -1)]);
        Assert.Equal(
            ends,
            refusal?.StartsWith("inputs['a'].data: holds -9223372036854775808, the smallest INT64", StringComparison.Ordinal) == true);
        Assert.Null(SmallestIntegers.Refusal(report.Model.Signature, [Integers("a", 7, long.MinValue + 1), Integers("b", -1, -1)]));
    }

    [Fact]
    public async Task Numbers_are_tried_beside_each_other_in_one_input_too()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "Only x64 traps on it.");
        var report = await EmptyTrialsTests.InspectAsync(new OnnxModel()
            .Input("x", OnnxModel.Int64, 2).Output("y", OnnxModel.Int64)
            .Integers("first", [0]).Integers("second", [1])
            .Node("Gather", ["x", "first"], ["a"]).Node("Gather", ["x", "second"], ["b"]).Node("Div", ["a", "b"], ["y"])
            .ToBytes());

        Assert.Null(report.Reason);
        Assert.True(report.Model!.Signature.EndsOnSmallest);
    }

    [Fact]
    public async Task Model_that_ends_its_process_on_what_could_not_be_refused_is_rejected()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "Only x64 traps on it.");
        var report = await EmptyTrialsTests.InspectAsync(new OnnxModel()
            .Input("x", OnnxModel.Int64, -1).Output("y", OnnxModel.Int64, -1)
            .Integers("smallest", [long.MinValue])
            .Node("Div", ["smallest", "x"], ["y"])
            .ToBytes());

        Assert.StartsWith("a division of integers ends the process that runs it", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Floats_that_no_integer_holds_are_tried_where_they_are_made_integers()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "Only x64 traps on it.");
        var report = await EmptyTrialsTests.InspectAsync(new OnnxModel()
            .Input("a", OnnxModel.Float, -1).Input("b", OnnxModel.Float, -1).Output("y", OnnxModel.Int64, -1)
            .Node("Cast", ["a"], ["whole"], ("to", OnnxModel.Int64)).Node("Cast", ["b"], ["by"], ("to", OnnxModel.Int64))
            .Node("Div", ["whole", "by"], ["y"])
            .ToBytes());

        Assert.StartsWith("a division of integers ends the process that runs it", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Division_by_a_number_of_the_model_is_served_as_ever()
    {
        var report = await EmptyTrialsTests.InspectAsync(new OnnxModel()
            .Input("x", OnnxModel.Int64, -1).Output("y", OnnxModel.Int64, -1)
            .Integers("ten", [10])
            .Node("Div", ["x", "ten"], ["y"])
            .ToBytes());

        Assert.Null(report.Reason);
        Assert.False(report.Model!.Signature.EndsOnSmallest);
    }

    [Theory]
    [InlineData(Datatype.Int8, "-128")]
    [InlineData(Datatype.Int16, "-32768")]
    [InlineData(Datatype.Int32, "-2147483648")]
    public void Smallest_of_every_type_is_refused(Datatype datatype, string smallest)
    {
        var signature = new ModelSignature([], []) { EndsOnSmallest = true };
        var bytes = new byte[datatype.Size() * 3];
        Assert.Null(SmallestIntegers.Refusal(signature, [new Tensor("x", datatype, [3], bytes)]));

        bytes[^1] = 0x80;
        var refusal = SmallestIntegers.Refusal(signature, [new Tensor("x", datatype, [3], bytes)]);
        Assert.Contains($"holds {smallest}, the smallest {datatype.Name()}", refusal, StringComparison.Ordinal);
        Assert.Null(SmallestIntegers.Refusal(new ModelSignature([], []), [new Tensor("x", datatype, [3], bytes)]));
    }

    private static Tensor Integers(string name, params long[] values) =>
        new(name, Datatype.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
