using System.ComponentModel.DataAnnotations;
using System.Text;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class LimitTests
{
    private const string One = """{"name":"x","shape":[1],"datatype":"FP32","data":[1]}""";

    [Fact]
    public void Limits_are_what_the_documentation_says_unless_configured()
    {
        var limits = new LimitOptions();

        Assert.Equal(33_554_432, limits.MaxBodyBytes);
        Assert.Equal(64, limits.MaxJsonDepth);
        Assert.Equal(256, limits.MaxTensors);
        Assert.Equal(16_777_216, limits.MaxElements);
        Assert.Equal(16, limits.MaxDimensions);
        Assert.Equal(256, limits.MaxIdLength);
        Assert.Equal(256, limits.MaxNameLength);
    }

    [Theory]
    [InlineData("00:01:00", "00:00:00", "00:01:05")]
    [InlineData("00:05:00", "00:00:20", "00:05:25")]
    [InlineData("00:00:10", "00:00:20", "00:00:50")]
    public async Task Server_that_stops_waits_for_the_longest_call_that_it_may_have_taken(string longest, string delay, string expected)
    {
        await using var api = new ApiInProcess();
        await using var configured = api.WithWebHostBuilder(
            builder => builder.UseSetting("Queue:MaxTimeout", longest).UseSetting("Shutdown:Delay", delay));

        var timeout = configured.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;

        Assert.Equal(TimeSpan.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), timeout);
    }

    [Theory]
    [InlineData(nameof(LimitOptions.MaxBodyBytes), 1023)]
    [InlineData(nameof(LimitOptions.MaxJsonDepth), 7)]
    [InlineData(nameof(LimitOptions.MaxTensors), 0)]
    [InlineData(nameof(LimitOptions.MaxElements), 0)]
    [InlineData(nameof(LimitOptions.MaxDimensions), 65)]
    [InlineData(nameof(LimitOptions.MaxIdLength), 0)]
    [InlineData(nameof(LimitOptions.MaxNameLength), 4097)]
    public void Limit_out_of_its_range_is_refused(string name, int value)
    {
        var limits = new LimitOptions();
        typeof(LimitOptions).GetProperty(name)!.SetValue(limits, value);
        var problems = new List<ValidationResult>();

        Assert.False(Validator.TryValidateObject(limits, new ValidationContext(limits), problems, validateAllProperties: true));
        Assert.Equal([name], Assert.Single(problems).MemberNames);
    }

    [Fact]
    public void Depth_is_limited() =>
        Refused(new LimitOptions { MaxJsonDepth = 8 }, $$"""{"other":{{new string('[', 9)}}""", "maximum configured depth of 8");

    [Fact]
    public void Depth_of_data_is_limited() => Refused(
        new LimitOptions { MaxJsonDepth = 8 },
        $$$"""{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":{{{new string('[', 8)}}}1{{{new string(']', 8)}}}}]}""",
        "maximum configured depth of 8");

    [Fact]
    public void Inputs_are_limited() =>
        Refused(new LimitOptions { MaxTensors = 2 }, $$"""{"inputs":[{{One}},{{One}},{{One}}]}""", "inputs: more than 2 given");

    [Fact]
    public void Outputs_are_limited() => Refused(
        new LimitOptions { MaxTensors = 2 },
        """{"outputs":[{"name":"a"},{"name":"b"},{"name":"c"}],"inputs":[]}""",
        "outputs: more than 2 given");

    [Theory]
    [InlineData("[3]", "whole numbers from 0 to 2 expected")]
    [InlineData("[2,2]", "[2,2] is more than 2 elements")]
    public void Elements_are_limited(string shape, string reason) => Refused(
        new LimitOptions { MaxElements = 2 },
        $$"""{"inputs":[{"name":"x","shape":{{shape}},"datatype":"FP32","data":[1]}]}""",
        reason);

    [Fact]
    public void Elements_of_raw_data_are_limited()
    {
        var signature = new ModelSignature([new("x", Datatype.Uint8, [1, -1])], [new("y", Datatype.Uint8, [1])]);

        var refusal = Assert.Throws<InvalidInferBodyException>(
            () => InferRequest.Read(new byte[3], "0", signature, new LimitOptions { MaxElements = 2 }));

        Assert.Contains("more than 2 elements", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dimensions_are_limited() => Refused(
        new LimitOptions { MaxDimensions = 2 },
        """{"inputs":[{"name":"x","shape":[1,1,1],"datatype":"FP32","data":[1]}]}""",
        "inputs[0].shape: more than 2 dimensions");

    [Fact]
    public void Id_is_limited() =>
        Refused(new LimitOptions { MaxIdLength = 3 }, """{"id":"four","inputs":[]}""", "id: 4 characters given, at most 3 allowed");

    [Fact]
    public void Names_of_inputs_are_limited() => Refused(
        new LimitOptions { MaxNameLength = 3 },
        """{"inputs":[{"name":"four","shape":[1],"datatype":"FP32","data":[1]}]}""",
        "inputs[0].name: 4 characters given, at most 3 allowed");

    [Fact]
    public void Names_of_outputs_are_limited() => Refused(
        new LimitOptions { MaxNameLength = 3 },
        """{"inputs":[],"outputs":[{"name":"four"}]}""",
        "outputs[0].name: 4 characters given, at most 3 allowed");

    [Fact]
    public void Unknown_datatype_is_told_in_part_only()
    {
        var refusal = Refusal(new LimitOptions(), $$"""{"inputs":[{"datatype":"{{new string('F', 100_000)}}"}]}""");

        Assert.InRange(refusal.Length, 1, 200);
    }

    [Theory]
    [InlineData("shape", "[1]")]
    [InlineData("datatype", "\"FP64\"")]
    public void What_data_was_read_by_is_not_said_again(string property, string value) => Refused(
        new LimitOptions(),
        $$"""{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1],"{{property}}":{{value}}}]}""",
        $"inputs[0].{property}: given more than once");

    [Theory]
    [InlineData("\\ud800")]
    [InlineData("\xFF")]
    public void Text_that_is_no_text_is_refused(string text)
    {
        byte[] json = [.. Encoding.UTF8.GetBytes("""{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["""), (byte)34,
            .. Encoding.Latin1.GetBytes(text), .. "\"]}]}"u8];

        var refusal = Assert.Throws<InvalidInferBodyException>(() => InferBodyReader.Read(json));

        Assert.Contains("not valid", refusal.Message, StringComparison.Ordinal);
    }

    private static void Refused(LimitOptions limits, string json, string reason) =>
        Assert.Contains(reason, Refusal(limits, json), StringComparison.Ordinal);

    private static string Refusal(LimitOptions limits, string json) =>
        Assert.Throws<InvalidInferBodyException>(() => InferBodyReader.Read(Encoding.UTF8.GetBytes(json), limits: limits)).Message;
}
