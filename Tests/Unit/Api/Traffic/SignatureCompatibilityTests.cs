using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

public sealed class SignatureCompatibilityTests
{
    private static readonly TensorSignature Image = new("image", Datatype.Fp32, [-1, 8, 8]);
    private static readonly TensorSignature Label = new("label", Datatype.Int64, [-1]);
    private static readonly ModelSignature Stable = new([Image], [Label]);

    [Fact]
    public void Same_signature_is_compatible() => Assert.Null(SignatureCompatibility.Problem(Stable, new([Image], [Label])));

    [Fact]
    public void Version_that_accepts_and_gives_more_is_compatible() => Assert.Null(SignatureCompatibility.Problem(
        Stable, new([Image with { Shape = [-1, -1, -1] }], [Label, new("score", Datatype.Fp32, [-1])])));

    [Fact]
    public void What_callers_would_trip_over_is_named()
    {
        Assert.Equal("it has no output 'label'", Problem(new([Image], [])));
        Assert.Equal("it has no input 'image'", Problem(new([], [Label])));
        Assert.Equal("its input 'mask' is unknown to the stable version", Problem(new([Image, new("mask", Datatype.Bool, [-1])], [Label])));
        Assert.Equal("its input 'image' is FP64, not FP32", Problem(new([Image with { Datatype = Datatype.Fp64 }], [Label])));
        Assert.Equal("its input 'image' is [1,8,8], not [-1,8,8]", Problem(new([Image with { Shape = [1, 8, 8] }], [Label])));
        Assert.Equal("its output 'label' is [-1,1], not [-1]", Problem(new([Image], [Label with { Shape = [-1, 1] }])));
        Assert.StartsWith(
            "its output 'score' is FP16, which callers of the stable version", Problem(new([Image], [Label, new("score", Datatype.Fp16, [-1])])),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Optional_input_must_stay_one_that_callers_may_give_and_leave_out()
    {
        var mask = new TensorSignature("mask", Datatype.Bool, [-1]);
        var stable = Stable with { OptionalInputs = [mask] };

        Assert.Null(SignatureCompatibility.Problem(stable, stable));
        Assert.Null(Problem(stable));
        Assert.Equal("it has no input 'mask'", SignatureCompatibility.Problem(stable, Stable));
        Assert.Equal(
            "its input 'mask' is required, and optional in the stable version",
            SignatureCompatibility.Problem(stable, new([Image, mask], [Label])));
    }

    private static string? Problem(ModelSignature other) => SignatureCompatibility.Problem(Stable, other);
}
