using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Batching;
using InferenceTemplate.Tests.Worker.Direct;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Images;

public sealed class ImageInstanceTests(Servers servers)
{
    private const string ThreeByThree = """{"layout": "nchw", "width": 3, "height": 3, "resize": "stretch"}""";

    [Fact]
    public void Scores_are_those_of_the_pixels_of_each_image_whoever_shares_its_run()
    {
        using var model = new ImageModel(ImageModel.Small, ThreeByThree);
        using var session = model.Open();
        using var instance = session.CreateInstance();
        byte[][] files = [.. Enumerable.Range(0, 5).Select(i => ImageFiles.Png(3, 3, (x, y) => ImageFiles.Pattern(x + (3 * i), y + i)))];

        using var outputs = instance.Run(
            [ImageModel.Request(files[0], files[1]), ImageModel.Base64Request(files[2]), ImageModel.Request(files[3], files[4])]);

        Assert.Equal([5, 3], outputs[0].GetTensorTypeAndShape().Shape);
        Assert.Equal(
            Enumerable.Range(0, 5).SelectMany(i => Scores((x, y) => ImageFiles.Pattern(x + (3 * i), y + i))),
            outputs[0].GetTensorDataAsSpan<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void Other_inputs_are_given_to_the_model_as_they_are()
    {
        var shifted = new OnnxModel()
            .Input("shift", OnnxModel.Float, -1, 1, 1, 1).Input("image", OnnxModel.Float, -1, 3, 1, 1)
            .Output("sum", OnnxModel.Float, -1, 3, 1, 1).Node("Add", ["image", "shift"], ["sum"]);
        using var model = new ImageModel(
            shifted.ToBytes(), """{"input": "image", "layout": "nchw", "width": 1, "height": 1, "resize": "stretch", "scale": 1}""");
        using var session = model.Open();
        using var instance = session.CreateInstance();
        session.WarmUp();

        using var outputs = instance.Run([Shifted(1000, 1), Shifted(2000, 2)]);

        Assert.Equal([1001, 1001, 1001, 2002, 2002, 2002], outputs[0].GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal(Datatype.Fp32, session.Signature.Inputs[0].Datatype);
        Assert.Equal(Datatype.Bytes, session.Signature.Inputs[1].Datatype);

        static Tensor[] Shifted(float by, byte color) =>
        [
            new("shift", Datatype.Fp32, [1, 1, 1, 1], BitConverter.GetBytes(by)),
            .. ImageModel.Request(ImageFiles.Png(1, 1, (_, _) => (color, color, color))),
        ];
    }

    [Fact]
    public void Images_that_would_fill_the_memory_are_refused_and_a_batch_of_them_is_one_too_large()
    {
        // 50 MB each.
        using var model = new ImageModel(
            ImageModel.Echo(OnnxModel.Float, -1, 3, 2048, 2048),
            """{"layout": "nchw", "width": 2048, "height": 2048, "resize": "stretch"}""");
        using var session = model.Open();
        using var instance = session.CreateInstance();
        byte[][] files = [.. Enumerable.Repeat(ImageFiles.PatternPng(1, 1), 6)];

        Assert.Equal(
            "input 'image' has 6 images; 5 are possible in one request, since they become 301989888 bytes",
            Assert.Throws<RefusedInputException>(() => instance.Run([ImageModel.Request(files)])).Message);
        var together = Assert.Throws<OversizedBatchException>(() => instance.Run([.. files.Select(file => ImageModel.Request(file))]));
        Assert.Equal(RunFailure.Memory, RunFailures.Classify(together));
    }

    [Fact]
    public void Pixels_of_a_request_are_bounded_and_those_of_others_do_not_count()
    {
        using var model = new ImageModel(ImageModel.Small, ThreeByThree);
        using var session = model.Open(limits: new ImageLimits(100, 1 << 20));
        using var instance = session.CreateInstance();
        var file = ImageFiles.PatternPng(10, 10);
        byte[][] most = [.. Enumerable.Repeat(file, 16)];

        instance.Run([ImageModel.Request(most), ImageModel.Request(most)]).Dispose();
        var refused = Assert.Throws<RefusedInputException>(
            () => instance.Run([ImageModel.Request(most), ImageModel.Request([.. most, file])]));

        Assert.Equal([1], refused.Requests.Keys);
        Assert.EndsWith(
            "is one too many: the images of one request may have 1600 pixels together, 16 times Worker:MaxImagePixels", refused.Message,
            StringComparison.Ordinal);
    }

    [Fact, Trait("Tier", "Nightly")]
    public void Model_of_large_images_is_warmed_up_and_proven_in_batches_that_have_room()
    {
        // 13 MB each: 32 would have 400.
        using var model = new ImageModel(
            ImageModel.Small, """{"layout": "nchw", "width": 1024, "height": 1024, "resize": "stretch", "filter": "nearest"}""");
        using var session = model.Open();
        using var instance = session.CreateInstance();

        new ModelWarmUp(Options.Create(new ModelCacheOptions()), TimeProvider.System, NullLogger<ModelWarmUp>.Instance)
            .Run(session, largestBatch: 32, sample: null);
        var proof = new BatchProver(instance, session.Signature, 64, null, session.ElementsOf, () => 0).Prove([]);

        Assert.True(proof.Independent, proof.Reason);
    }

    [Fact]
    public void Run_that_was_ended_decodes_no_more_images()
    {
        using var model = new ImageModel(ImageModel.Small, ThreeByThree);
        using var session = model.Open();
        using var instance = session.CreateInstance();
        using var ended = new CancellationTokenSource();
        ended.Cancel();

        // Else the image would be refused.
        Assert.Throws<OperationCanceledException>(() => instance.Run([ImageModel.Request([1])], terminate: ended.Token));
    }

    [Fact]
    public void Images_of_all_models_are_decoded_by_half_of_the_cores_and_four_threads_at_most()
    {
        var (running, most, done) = (0, 0, 0);
        Thread[] callers = [.. Enumerable.Range(0, 6).Select(_ => new Thread(() => ImageThreads.ForEach(
            40,
            _ =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                Thread.Yield();
                Interlocked.Decrement(ref running);
                Interlocked.Increment(ref done);
            },
            CancellationToken.None)))];
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());

        Assert.Equal(240, done);
        Assert.InRange(most, 1, Math.Clamp(Environment.ProcessorCount / 2, 1, 4));

        static void InterlockedMax(ref int most, int value)
        {
            for (int seen; (seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen;)
            {
                // Another was faster.
            }
        }
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Requests_with_what_is_no_image_are_answered_alone_and_the_others_still_share_one_run(Way way)
    {
        using var image = new ImageModel(ImageModel.Small, ThreeByThree);
        await using var model = await ServedModel.CreateAsync(servers, image.Open($"m{Guid.NewGuid():N}"), way: way);
        var good = ImageFiles.PatternPng(3, 3);
        byte[][][] requests = [[good], [good, good[..40]], [good], ["no image"u8.ToArray()], [good, good]];
        var sent = new List<Task<InferenceReply>>();
        foreach (var request in requests)
        {
            sent.Add((await model.SendAsync(ImageModel.Request(request)[0])).Reply);
        }

        _ = model.Serve();
        var replies = await Task.WhenAll(sent);

        Assert.Equal([1, 3], replies.Index().Where(r => r.Item.Outcome == ReplyOutcome.Refused).Select(r => r.Index));
        Assert.StartsWith("image 1 of input 'image' can't be decoded", replies[1].Error, StringComparison.Ordinal);
        Assert.StartsWith("image 0 of input 'image' is neither a JPEG nor a PNG", replies[3].Error, StringComparison.Ordinal);
        Assert.Equal(3, replies.Count(r => r.Outcome == ReplyOutcome.Completed));
        Assert.Equal(
            [.. Scores(ImageFiles.Pattern), .. Scores(ImageFiles.Pattern)], ServedModel.Floats(replies[4]),
            (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal([4], model.Batches);
        Assert.True(model.IsTrusted);
    }

    // The model's arithmetic in the plainest way, with values from 0 to 1.
    private static IEnumerable<float> Scores(Func<int, int, (byte R, byte G, byte B)> color)
    {
        var (reds, greens) = (0.0, 0.0);
        for (var y = 0; y < 2; y++)
        {
            for (var x = 0; x < 2; x++)
            {
                reds += (color(x, y).R + color(x + 1, y).R + color(x, y + 1).R + color(x + 1, y + 1).R) / 255.0 / 4;
                greens += (color(x, y).G - color(x + 1, y + 1).B) / 255.0 / 4;
            }
        }

        return [(float)reds, (float)greens, (float)((reds / 2) + (greens / 4))];
    }
}
