using InferenceTemplate.Api.Caching;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Tests.Unit;

public sealed class ResponseCacheKeyTests
{
    private static readonly Tensor A = new("a", Datatype.Fp32, [1, 2], new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 });
    private static readonly Tensor B = new("b", Datatype.Uint8, [2], new byte[] { 9, 9 });

    [Fact]
    public void Order_of_inputs_and_outputs_makes_no_difference() => Assert.Equal(
        Key([A, B], ["x", "y"]), Key([B, A], ["y", "x", "y"]));

    [Fact]
    public void Whatever_the_answer_depends_on_makes_a_difference()
    {
        ResponseCacheKey[] keys =
        [
            Key([A, B], []),
            Key([A, B], [], tenant: "other"),
            Key([A, B], [], version: "2"),
            Key([A, B], [], sha256: "another file"),
            Key([A, B], ["x"]),
            Key([A, B], ["x", "y"]),
            Key([A, B], ["xy"]),
            Key([A], []),
            Key([A with { Shape = [2, 1] }, B], []),
            Key([A with { Datatype = Datatype.Int32 }, B], []),
            Key([A with { Data = new byte[] { 1, 2, 3, 4, 5, 6, 7, 9 } }, B], []),
            Key([A with { Name = "c" }, B], []),
        ];

        Assert.Equal(keys.Length, keys.Select(k => k.Hash).Distinct().Count());
    }

    private static ResponseCacheKey Key(
        Tensor[] inputs, string[] outputs, string tenant = "acme", string version = "1", string sha256 = "file") => ResponseCacheKey.Of(
        new ModelVersion { Model = "m", Version = version, Platform = "", Sha256 = sha256, Signature = new ModelSignature([], []) },
        tenant,
        inputs,
        outputs);
}
