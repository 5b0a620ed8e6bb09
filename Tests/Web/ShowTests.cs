using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Components.Shared;

namespace InferenceTemplate.Tests.Web;

public class ShowTests
{
    [Theory]
    [InlineData(null, "–")]
    [InlineData(0.00042, "0.4 ms")]
    [InlineData(0.0123, "12.3 ms")]
    [InlineData(0.25, "250 ms")]
    [InlineData(12.34, "12.3 s")]
    public void Latency_is_shown_in_the_unit_that_fits(double? seconds, string shown) => Assert.Equal(shown, Show.Latency(seconds));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.04, "0.0")]
    [InlineData(12.34, "12.3")]
    [InlineData(12345.6, "12,346")]
    public void Rate_has_a_decimal_while_it_is_small(double rate, string shown) => Assert.Equal(shown, Show.Rate(rate));

    [Theory]
    [InlineData(-3, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(3_599, "59 min")]
    [InlineData(7_260, "2 h 1 min")]
    [InlineData(90_000, "1 d 1 h")]
    public void Duration_has_its_two_largest_units(int seconds, string shown) =>
        Assert.Equal(shown, Show.Duration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(1, 0, 1.0, "The one request so far was.", "100 % of the error budget is left")]
    [InlineData(1, 1, -999.0, "The one request so far was not.", "the error budget is spent 1,000 times over")]
    [InlineData(12, 0, 1.0, "All of 12 requests were.", "100 % of the error budget is left")]
    [InlineData(12, 1, -0.5, "91.667 % of 12 requests were; 1 was not.", "the error budget is overspent by 50 %")]
    [InlineData(23_456_789, 3, 0.999, "99.999 % of 23,456,789 requests were; 3 were not.", "99.9 % of the error budget is left")]
    public void Objective_reads_well_for_one_request_as_for_millions(long requests, long bad, double left, string kept, string budget)
    {
        Assert.Equal(kept, ObjectiveText.Kept(new Objective("availability", "met", 0.999, null, requests, bad, left, [])));
        Assert.Equal(budget, ObjectiveText.Budget(left));
    }

    [Fact]
    public void Burn_says_nothing_where_nothing_is_spent() => Assert.Equal(
        "1h: nothing, 5m: no requests; limit 14.4×", ObjectiveText.Burn(new Burn("1h", "5m", 0, null, 14.4, 1, false)));

    [Fact]
    public void Signature_names_each_tensor_and_writes_free_dimensions_as_N() =>
        Assert.Equal(
            "image: FP32 [N × 3 × 1,024 × N], mask: BOOL [1]",
            Show.Signature([new TensorSignature("image", "FP32", [-1, 3, 1024, -1]), new TensorSignature("mask", "BOOL", [1])]));
}
