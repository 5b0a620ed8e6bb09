using System.Numerics;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// The lengths to which texts are padded: 16, 32, 48, 64, 96, 128, 192 and so on, by a text's own length alone, so that a short one is not
/// computed as if it were as long as a long one beside it. A run's cost is shared by its rows all the same, and how many texts run together
/// may change the last bits of an embedding.
/// </summary>
internal static class PaddedLength
{
    private const int Least = 16;
    private const int StepsOfPower = 4;

    public static int Of(int tokens, int mostTokens)
    {
        var length = Least;
        while (length < tokens)
        {
            length += Math.Max(Least, (int)BitOperations.RoundUpToPowerOf2((uint)length + 1) / StepsOfPower);
        }

        return Math.Min(length, mostTokens);
    }
}
