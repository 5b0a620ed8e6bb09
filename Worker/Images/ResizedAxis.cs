namespace InferenceTemplate.Worker.Images;

/// <summary>
/// Which pixels of one axis of an image make each of the pixels that are wanted, and how much each counts. A kernel is spread over as many
/// pixels as become one, so that a reduction takes all of them in, as Pillow's and torchvision's antialiased resizing does.
/// </summary>
internal sealed class ResizedAxis
{
    private readonly int[] _starts;
    private readonly float[][] _weights;

    /// <param name="from">Pixels of the image.</param>
    /// <param name="to">Pixels of the whole image once it is resized.</param>
    /// <param name="first">The first of these that is wanted.</param>
    /// <param name="count">How many are.</param>
    /// <param name="filter">One of <see cref="ImageSettings.Filter"/>.</param>
    public ResizedAxis(int from, double to, double first, int count, string filter)
    {
        (_starts, _weights) = (new int[count], new float[count][]);
        var scale = from / to;
        var spread = Math.Max(scale, 1);
        for (var i = 0; i < count; i++)
        {
            var center = (first + i + 0.5) * scale;
            if (filter == ImageSettings.Nearest)
            {
                (_starts[i], _weights[i]) = (Math.Clamp((int)Math.Floor(center), 0, from - 1), [1]);
                continue;
            }

            var reach = (filter == ImageSettings.Bicubic ? 2 : 1) * spread;
            var start = Math.Clamp((int)Math.Floor(center - reach), 0, from - 1);
            var end = Math.Clamp((int)Math.Ceiling(center + reach), start + 1, from);
            var weights = new double[end - start];
            for (var k = 0; k < weights.Length; k++)
            {
                var distance = Math.Abs((start + k + 0.5 - center) / spread);
                weights[k] = filter == ImageSettings.Bicubic ? Cubic(distance) : Math.Max(0, 1 - distance);
            }

            var sum = weights.Sum();
            (_starts[i], _weights[i]) = (start, Array.ConvertAll(weights, weight => (float)(weight / sum)));
        }
    }

    public int Count => _starts.Length;

    public int Start(int i) => _starts[i];

    public int End(int i) => _starts[i] + _weights[i].Length;

    public ReadOnlySpan<float> Weights(int i) => _weights[i];

    // Keys' kernel with a = -0.5, that of Pillow.
    private static double Cubic(double x) => x switch
    {
        < 1 => (((1.5 * x) - 2.5) * x * x) + 1,
        < 2 => (((((-0.5 * x) + 2.5) * x) - 4) * x) + 2,
        _ => 0,
    };
}
