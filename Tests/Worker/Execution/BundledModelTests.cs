using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Tests.Worker.Execution;

/// <summary>The models that come with the program do, in ONNX Runtime, what their files and cards say.</summary>
public sealed class BundledModelTests
{
    private static readonly ExecutionDevice Cpu =
        new(Options.Create(new WorkerOptions { Device = "cpu" }), NullLogger<ExecutionDevice>.Instance);

    private static readonly Tensor Images = Requests.Floats(
        "image", [Digits.HeldOut.Count, 8, 8], [.. Digits.HeldOut.SelectMany(d => d.Pixels)]);

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3")]
    public void Digits_reach_the_accuracy_that_the_file_states(string version)
    {
        var (_, labels) = Classify(version);

        var right = labels.Zip(Digits.HeldOut).Count(p => p.First == p.Second.Label);
        Assert.Equal(Stated("digits", version, "accuracy"), (right / (double)labels.Length).ToString("F4", CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Convolutional_digits_are_better_than_the_first_version()
    {
        int[] right =
            [.. new[] { "1", "2", "3" }.Select(v => Classify(v).Labels.Zip(Digits.HeldOut).Count(p => p.First == p.Second.Label))];

        Assert.True(right[1] > right[0] && right[2] > right[0], $"right of {Digits.HeldOut.Count}: {string.Join(", ", right)}");
    }

    [Fact]
    public void Half_precision_gives_the_same_labels_and_nearly_the_same_probabilities()
    {
        var (full, labels) = Classify("2");
        var (half, halfLabels) = Classify("3");

        Assert.Equal(labels, halfLabels);
        var difference = full.Zip(half).Max(p => Math.Abs(p.First - p.Second));
        Assert.InRange(difference, 1e-6, 0.01);
        Assert.True(new FileInfo(PathOf("digits", "3")).Length < 0.6 * new FileInfo(PathOf("digits", "2")).Length);
    }

    [Fact]
    public void Every_version_of_digits_takes_and_gives_the_same()
    {
        using var first = Open("digits", "1");
        foreach (var version in new[] { "2", "3" })
        {
            using var other = Open("digits", version);
            Assert.Equivalent(first.Signature, other.Signature, strict: true);
        }
    }

    [Fact]
    public void Delivery_times_have_the_error_that_the_file_states()
    {
        using var session = Open("delivery-time", "1");
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([Inputs(Delivery.HeldOut)]);

        var minutes = outputs[0].GetTensorDataAsSpan<float>().ToArray();
        var error = minutes.Zip(Delivery.HeldOut).Average(p => Math.Abs(p.First - p.Second.Minutes));
        Assert.Equal(double.Parse(Stated("delivery-time", "1", "mean_absolute_error"), CultureInfo.InvariantCulture), error, 2e-3);
        Assert.Equal(minutes.Select(m => m > 45), outputs[1].GetTensorDataAsSpan<bool>().ToArray());
        Assert.Equal(
            [Datatype.Fp32, Datatype.Fp32, Datatype.Fp32, Datatype.Fp32, Datatype.Int64, Datatype.Int64, Datatype.Bytes],
            session.Signature.Inputs.Select(i => i.Datatype));
        Assert.True(session.Signature.IsBatchable);
    }

    [Fact]
    public void Delivery_in_a_batch_takes_as_long_as_alone_and_an_unknown_district_is_answered()
    {
        using var session = Open("delivery-time", "1");
        using var instance = session.CreateInstance();
        Delivery[] deliveries = [.. Delivery.HeldOut.Take(9), Delivery.HeldOut[9] with { District = "Atlantis" }];

        using var together = instance.Run([.. deliveries.Select(d => Inputs([d]))]);

        foreach (var (minutes, delivery) in together[0].GetTensorDataAsSpan<float>().ToArray().Zip(deliveries))
        {
            using var alone = instance.Run([Inputs([delivery])]);
            Assert.Equal(alone[0].GetTensorDataAsSpan<float>()[0], minutes, 1e-4);
            Assert.InRange(minutes, 1, 200);
        }
    }

    [Fact]
    public void Models_folder_says_what_is_stable_and_names_the_precisions()
    {
        var files = ModelFile.Find(Path.Combine(AppContext.BaseDirectory, "models"));

        Assert.Equal(["delivery-time/1", "digits/1", "digits/2", "digits/3"], files.Select(f => $"{f.Model}/{f.Version}"));
        var digits = FolderModel.Of(files[1]);
        Assert.Equal(("1", "2", "3"), (digits.Stable, digits.Aliases["fp32"], digits.Aliases["fp16"]));
        Assert.Equal(["fp32", "fp32", "fp16"], files.Skip(1).Select(f => digits.Labels[f.Version]["precision"]));
    }

    private static (float[] Probabilities, long[] Labels) Classify(string version)
    {
        using var session = Open("digits", version);
        using var instance = session.CreateInstance();
        using var outputs = instance.Run([[Images]]);
        return (outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[1].GetTensorDataAsSpan<long>().ToArray());
    }

    private static Tensor[] Inputs(IReadOnlyList<Delivery> deliveries) =>
    [
        .. Delivery.MeasureNames.Select((name, i) => Requests.Floats(name, [deliveries.Count], [.. deliveries.Select(d => d.Measures[i])])),
        Integers("vehicle", deliveries.Select(d => d.Vehicle)),
        Integers("weekday", deliveries.Select(d => d.Weekday)),
        new Tensor("district", Datatype.Bytes, [deliveries.Count], deliveries.SelectMany(d => Text(d.District)).ToArray()),
    ];

    private static Tensor Integers(string name, IEnumerable<long> values)
    {
        long[] all = [.. values];
        return new Tensor(name, Datatype.Int64, [all.Length], MemoryMarshal.AsBytes(all.AsSpan()).ToArray());
    }

    private static byte[] Text(string text)
    {
        var bytes = new byte[sizeof(uint) + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - sizeof(uint));
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(sizeof(uint)));
        return bytes;
    }

    private static string Stated(string model, string version, string key)
    {
        using var session = new InferenceSession(PathOf(model, version));
        return session.ModelMetadata.CustomMetadataMap[key];
    }

    private static ModelSession Open(string model, string version) =>
        ModelSession.Open(new ModelFile(model, version, PathOf(model, version)), Cpu);

    private static string PathOf(string model, string version) =>
        Path.Combine(AppContext.BaseDirectory, "models", model, version, ModelFile.FileName);
}
