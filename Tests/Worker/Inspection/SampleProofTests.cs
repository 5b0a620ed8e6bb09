using System.Text;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>What the sample request of a version adds to the proof that its rows are independent.</summary>
public sealed class SampleProofTests
{
    // Only rows of seven numbers fit, which none of the made-up inputs has.
    private static OnnxModel Sevens(string output) => new OnnxModel()
        .Input("x", OnnxModel.Float, -1, -1).Output("y", OnnxModel.Float, -1, 2)
        .Constant("w", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], 7, 2).Node("MatMul", ["x", "w"], [output]);

    private static Tensor[] SevenNumbers => [Requests.Floats("x", [1, 7], 1, 2, 3, 4, 5, 6, 7)];

    [Theory]
    [InlineData("sk-onehot-strict")]
    [InlineData("sk-onehot")]
    public void Encoder_is_proven_by_rows_of_words_that_it_knows(string name)
    {
        Assert.False(SmallModels.Prove(SmallModels.PathOf(name)).Independent);

        Assert.Null(SmallModels.Prove(SmallModels.PathOf(name), sample: Words(2, "a", "x", "b", "y")).Reason);
    }

    [Fact]
    public void Sample_with_one_row_of_words_tells_nothing_and_says_what_would()
    {
        var proof = SmallModels.Prove(SmallModels.PathOf("sk-onehot-strict"), sample: Words(1, "a", "x"));

        Assert.False(proof.Independent);
        Assert.Contains("give it rows that differ", proof.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_with_equal_rows_of_words_tells_nothing()
    {
        var proof = SmallModels.Prove(SmallModels.PathOf("sk-onehot-strict"), sample: Words(3, "a", "x", "a", "x", "a", "x"));

        Assert.False(proof.Independent);
        Assert.Contains("the same for every row of its sample request", proof.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_row_of_floats_is_enough_where_no_made_up_extent_fits()
    {
        var model = Sevens("y").ToBytes();
        Assert.Contains("did not run", SmallModels.Prove(model).Reason, StringComparison.Ordinal);

        Assert.Null(SmallModels.Prove(model, SevenNumbers).Reason);
    }

    [Fact]
    public void Rows_that_meet_are_found_by_the_sample_where_no_made_up_extent_fits()
    {
        var proof = SmallModels.Prove(Sevens("h").Node("Softmax", ["h"], ["y"], ("axis", 0)).ToBytes(), SevenNumbers);

        Assert.False(proof.Independent);
        Assert.Contains("depends on the requests beside it", Alike(proof.Reason), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cumsum")]
    [InlineData("softmax0")]
    public void Sample_does_not_excuse_rows_that_meet(string name)
    {
        var sample = SmallModels.SampleOf(name, rows: 2);

        Assert.False(SmallModels.Prove(SmallModels.PathOf(name), sample: sample).Independent);
    }

    [Fact]
    public void Inputs_with_different_numbers_of_rows_are_no_batch()
    {
        var model = new OnnxModel().Input("a", OnnxModel.Float, -1, 2).Input("b", OnnxModel.Float, -1, 2)
            .Output("y", OnnxModel.Float, -1, 2).Output("z", OnnxModel.Float, -1, 2)
            .Node("Identity", ["a"], ["y"]).Node("Identity", ["b"], ["z"]).ToBytes();
        Assert.Null(SmallModels.Prove(model).Reason);

        var proof = SmallModels.Prove(model, [Requests.Floats("a", [1, 2], 1, 2), Requests.Floats("b", [2, 2], 1, 2, 3, 4)]);

        Assert.False(proof.Independent);
        Assert.Contains("the same number of rows", proof.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Optional_input_of_a_sample_takes_no_part_in_the_proof()
    {
        var proof = SmallModels.Prove(
            Execution.TestModels.Shifted, [Requests.Floats("x", [1, 2], 1, 2), Requests.Floats("shift", [2], 5, 5)]);

        Assert.Null(proof.Reason);
    }

    [Theory]
    [InlineData(Datatype.Fp16, "003C0040", 2)]
    [InlineData(Datatype.Bf16, "803F0040", 2)]
    [InlineData(Datatype.Fp32, "0000803F00000040", 4)]
    [InlineData(Datatype.Fp64, "000000000000F03F0000000000000040", 8)]
    public void Rows_are_taken_in_turn_and_floats_vary_by_half(Datatype datatype, string data, int size)
    {
        var signature = new Core.Catalog.ModelSignature([new("x", datatype, [-1])], []);
        Tensor[] sample = [new("x", datatype, [2], Convert.FromHexString(data))];

        var asTheyAre = new SampleRows(signature, sample, varied: false).Make(0, rows: 3, first: 1, new Random(1));
        var varied = new SampleRows(signature, sample, varied: true).Make(0, rows: 1, first: 0, new Random(1));

        var (one, two) = (data[..(size * 2)], data[(size * 2)..]);
        Assert.Equal(two + one + two, Convert.ToHexString(asTheyAre));
        var number = datatype switch
        {
            Datatype.Fp16 => (double)BitConverter.ToHalf(varied),
            Datatype.Bf16 => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(varied) << 16),
            Datatype.Fp32 => BitConverter.ToSingle(varied),
            _ => BitConverter.ToDouble(varied),
        };
        Assert.InRange(number, 0.49, 1.51);
        Assert.NotEqual(1, number);
    }

    private static string Alike(string? reason) =>
        reason!.Replace("is another alone than beside others", "depends on the requests beside it", StringComparison.Ordinal);

    /// <summary>Rows of two words each.</summary>
    internal static Tensor[] Words(int rows, params string[] words) =>
    [
        new("cats", Datatype.Bytes, [rows, 2],
            words.SelectMany(w => (byte[])[(byte)w.Length, 0, 0, 0, .. Encoding.UTF8.GetBytes(w)]).ToArray()),
    ];
}
