using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Inspection;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Images;

/// <summary>What an inspection says of models that take images.</summary>
public sealed class ImageModelInspectionTests
{
    private const string Rest = "\"layout\": \"nchw\", \"width\": 4, \"height\": 3";

    [Theory]
    [InlineData("{}", "image.json can't be read")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "size": 4}""", "image.json can't be read")]
    [InlineData($$"""{{{Rest}}, "resize": "squeeze"}""", "resize is 'squeeze'; possible: stretch, center_crop")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "filter": "lanczos"}""", "filter is 'lanczos'; possible: bilinear, bicubic, nearest")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "channels": "rgba"}""", "channels is 'rgba'; possible: rgb, bgr, gray")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "short_side": 4}""", "short_side goes with resize 'center_crop'")]
    [InlineData($$"""{{{Rest}}, "resize": "center_crop", "short_side": 3}""", "short_side is 3; 4 to 4096 are possible")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "mean": [1, 2]}""", "mean has 2 numbers; 'rgb' has 3")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "channels": "gray", "std": [1, 2, 3]}""", "std has 3 numbers; 'gray' has 1")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "std": [1, 0, 1]}""", "std has to be more than 0")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "std": [1, 1e-44, 1]}""", "std is too small")]
    [InlineData("""{"layout": "nchw", "width": 4096, "height": 1025, "resize": "stretch"}""", "width x height is 4198400; at most 4194304")]
    [InlineData("""{"layout": "chw", "width": 4, "height": 3, "resize": "stretch"}""", "layout is 'chw'; possible: nchw, nhwc")]
    [InlineData("""{"layout": "nchw", "width": 0, "height": 3, "resize": "stretch"}""", "width is 0; 1 to 4096 are possible")]
    [InlineData("""{"layout": "nchw", "width": 4, "height": 4097, "resize": "stretch"}""", "height is 4097; 1 to 4096 are possible")]
    [InlineData(
        """{"layout": "nchw", "width": 3, "height": 4, "resize": "stretch"}""",
        "its input 'image' is [-1,3,3,4], and what is said makes [-1,3,4,3]")]
    [InlineData(
        """{"layout": "nhwc", "width": 4, "height": 3, "resize": "stretch"}""",
        "its input 'image' is [-1,3,3,4], and what is said makes [-1,3,4,3]")]
    [InlineData($$"""{{{Rest}}, "resize": "stretch", "input": "picture"}""", "it has no input 'picture', but 'image'")]
    public void Settings_that_can_not_be_are_refused(string settings, string reason) =>
        AssertRefused(ImageModel.Echo(OnnxModel.Float, -1, 3, 3, 4), settings, reason);

    [Fact]
    public void Models_that_no_image_could_feed_are_refused()
    {
        AssertRefused(
            ImageModel.Echo(OnnxModel.Int64, -1, 3, 3, 4), ImageModel.Settings, "its input 'image' is INT64, FP32 or UINT8 expected");
        AssertRefused(ImageModel.Echo(OnnxModel.Uint8, -1, 3, 3, 4), ImageModel.Settings, "no scale, mean or std");
        AssertRefused(ImageModel.Echo(OnnxModel.Float, -1, 3), ImageModel.Settings, "its input 'image' is [-1,3]");
        AssertRefused(
            new OnnxModel().Input("a", OnnxModel.Float, -1).Input("b", OnnxModel.Float, -1).Output("c", OnnxModel.Float, -1)
                .Node("Add", ["a", "b"], ["c"]).ToBytes(),
            ImageModel.Settings, "it has 2 inputs: say which one ('input')");
    }

    [Fact]
    public void Model_that_fails_on_images_of_the_size_that_is_said_is_refused()
    {
        // Open by its declaration, and fixed by its weights.
        var model = new OnnxModel().Input("image", OnnxModel.Float, -1, 3, -1, -1).Output("y", OnnxModel.Float, -1, 1)
            .Constant("weights", new float[27], 27, 1).Node("Flatten", ["image"], ["flat"]).Node("MatMul", ["flat", "weights"], ["y"]);

        AssertRefused(model.ToBytes(), ImageModel.Settings, "image.json makes [1,3,3,4] of an image, and the model failed on it");
    }

    [Fact]
    public void Model_can_not_take_both_text_and_images()
    {
        using var model = new ImageModel(ImageModel.Echo(OnnxModel.Float, -1, 3, 3, 4));
        File.WriteAllText(Path.Combine(model.Folder, "text.json"), "{}");

        Assert.Equal(
            "it has both text.json and image.json; one is possible",
            InspectionChild.Inspect(model.Folder, SmallModels.Limits).Reason);
    }

    [Fact]
    public void Names_beside_a_model_of_boxes_are_for_its_caller()
    {
        using var model = new ImageModel(ImageModel.Echo(OnnxModel.Float, -1, 3, 3, 4), labels: "cat\ndog\n");

        var report = InspectionChild.Inspect(model.Folder, SmallModels.Limits);

        Assert.Null(report.Reason);
        Assert.Equal(["cat", "dog"], ClassLabels.Of(report.Model!.Metadata, "y"));
    }

    [Theory]
    [InlineData("""["cat", null]""", "cat", "")]
    [InlineData("cat\r\ndog\n", "cat", "dog")]
    public void Names_are_lines_or_an_array(string text, string first, string second) =>
        Assert.Equal([first, second], ClassLabels.Parse(text));

    [Fact]
    public void Names_of_another_number_of_classes_are_refused()
    {
        using var model = new ImageModel(ImageModel.Small, labels: "cat\ndog\n");

        Assert.Equal(
            "labels.txt names 2 classes, and no output has as many: 'scores' FP32 [-1,3]",
            InspectionChild.Inspect(model.Folder, SmallModels.Limits).Reason);
    }

    // In the process that really opens models, with its limits of memory.
    [Fact]
    public async Task Model_of_this_form_is_accepted_with_images_as_its_input_its_classes_and_independent_rows()
    {
        using var model = new ImageModel(
            ImageModel.Small, """{"layout": "nchw", "width": 24, "height": 24, "resize": "center_crop"}""", "cat\ndog\nbird");
        var inspector = new ModelInspector(
            Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
            TimeProvider.System);

        var report = await inspector.InspectAsync(model.Folder, samplePath: null, TestContext.Current.CancellationToken);

        Assert.Null(report.Reason);
        var input = Assert.Single(report.Model!.Signature.Inputs);
        Assert.Equal(("image", Datatype.Bytes, "[-1]"), (input.Name, input.Datatype, TensorShape.Format(input.Shape)));
        Assert.Equal("[-1,3]", TensorShape.Format(Assert.Single(report.Model.Signature.Outputs).Shape));
        Assert.Equal(["cat", "dog", "bird"], ClassLabels.Of(report.Model.Metadata, "scores"));
        Assert.True(report.Model.Batching!.Independent, report.Model.Batching.Reason);
    }

    [Fact]
    public void Model_whose_rows_meet_is_not_batched()
    {
        // Each row loses the mean over all rows.
        var model = new OnnxModel().Input("image", OnnxModel.Float, -1, 3, 3, 4).Output("y", OnnxModel.Float, -1, 3, 3, 4)
            .Node("ReduceMean", ["image"], ["mean"], ("keepdims", 1)).Node("Sub", ["image", "mean"], ["y"]);
        using var folder = new ImageModel(model.ToBytes());
        using var session = folder.Open();
        using var instance = session.CreateInstance();

        var proof = new BatchProver(instance, session.Signature, 16, null, session.ElementsOf, () => 0).Prove([]);

        Assert.False(proof.Independent);
        Assert.Contains("depends on the requests beside it", proof.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_of_the_folder_is_stored_with_its_settings_and_without_its_names()
    {
        using var model = new ImageModel(ImageModel.Small, labels: "a\nb\nc");
        var artifact = FolderArtifact.Of(new ModelFile("m", "1", Path.Combine(model.Folder, "model.onnx")), SmallModels.Limits);

        Assert.Equal(model.Folder, artifact.Inspected);
        await using var content = artifact.Open();
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        var text = Encoding.Latin1.GetString(bytes.ToArray());
        Assert.All(["model.onnx", "image.json"], name => Assert.Contains(name, text, StringComparison.Ordinal));
        Assert.DoesNotContain("labels.txt", text, StringComparison.Ordinal);
    }

    private static void AssertRefused(byte[] content, string settings, string reason)
    {
        using var model = new ImageModel(content, settings);
        Assert.Contains(reason, InspectionChild.Inspect(model.Folder, SmallModels.Limits).Reason, StringComparison.Ordinal);
    }
}
