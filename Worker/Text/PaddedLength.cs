using System.Numerics;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// The lengths to which texts are padded: 16, 32, 48, 64, 96, 128, 192 and so on, so that a short text never pays for a long one, and its
/// own length alone decides how it is computed.
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
