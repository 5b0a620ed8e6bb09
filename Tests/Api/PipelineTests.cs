using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Api.Conformance;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Pipelines from their upload to what they answer, by each way in, and to their deletion.</summary>
public sealed class PipelineTests(Platform platform, PipelineModels models) : IClassFixture<PipelineModels>
{
    private const int Width = PipelineModels.Width;

    private static readonly string Zeros = JsonSerializer.Serialize(
        new { inputs = new[] { new { name = "in", datatype = "FP32", shape = new[] { 1, Width }, data = new float[Width] } } });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Metadata_is_that_of_a_model_and_the_version_tells_its_steps()
    {
        using var admin = platform.Admin();

        var metadata = await OkAsync(admin.GetAsync($"/v2/models/{models.Pipeline}", Cancellation));
        var version = await OkAsync(admin.GetAsync($"/v1/models/{models.Pipeline}/versions/1", Cancellation));

        Assert.Equal("ensemble", metadata.GetProperty("platform").GetString());
        Assert.Equal(["in FP32 [-1,64]"], metadata.GetProperty("inputs").EnumerateArray().Select(Told));
        Assert.Equal(["out FP32 [-1,64]", "value FP32 [-1]"], metadata.GetProperty("outputs").EnumerateArray().Select(Told));
        Assert.Equal(
            [$"first={models.Layers}/1", $"second={models.Layers}/2", $"rows={models.Rows}/1", $"look={models.Lookup}/1"],
            version.GetProperty("metadata").GetProperty("steps").EnumerateArray().Select(
                s => $"{s.GetProperty("name").GetString()}={s.GetProperty("model").GetString()}/{s.GetProperty("version").GetString()}"));
        Assert.True(version.GetProperty("batching").GetProperty("batched").GetBoolean(), version.GetProperty("batching").ToString());
    }

    [Fact]
    public async Task Answers_are_those_of_the_models_one_after_the_other_bit_for_bit_by_every_way()
    {
        using var admin = platform.Admin();
        using var grpc = new GrpcCalls(platform);
        var input = Noise("in", rows: 3);

        // One after the other.
        var first = Output(await grpc.InferAsync(new(models.Layers, input with { Name = "x" }) { Version = "1" }, typed: false), "y");
        var second = Output(await grpc.InferAsync(new(models.Layers, first with { Name = "x" }) { Version = "2" }, typed: false), "y");
        var rows = Output(await grpc.InferAsync(new(models.Rows, second with { Name = "x" }) { Version = "1" }, typed: false), "y");
        var value = Output(
            await grpc.InferAsync(new(models.Lookup, rows with { Name = "index" }) { Version = "1" }, typed: false), "value");

        foreach (var typed in (bool[])[false, true])
        {
            var byGrpc = await grpc.InferAsync(new(models.Pipeline, input), typed);
            Assert.Equal((second.Data, value.Data), (Output(byGrpc, "out").Data, Output(byGrpc, "value").Data), Bits);
        }

        var json = JsonSerializer.Serialize(new
        {
            inputs = new[] { new { name = "in", datatype = "FP32", shape = new[] { 3, Width }, data = input.Elements } },
        });
        AssertJson(await OkAsync(admin.PostAsync($"/v2/models/{models.Pipeline}/infer", Digits.Json(json), Cancellation)));

        var header = Encoding.UTF8.GetBytes(
            $$$"""
               {"inputs":[{"name":"in","datatype":"FP32","shape":[3,{{{Width}}}],
                           "parameters":{"binary_data_size":{{{input.Data.Length}}}}}],
                "outputs":[{"name":"value","parameters":{"binary_data":true}},{"name":"out","parameters":{"binary_data":true}}]}
               """);
        using var body = new ByteArrayContent([.. header, .. input.Data]);
        body.Headers.Add("Inference-Header-Content-Length", $"{header.Length}");
        using var binary = await admin.PostAsync($"/v2/models/{models.Pipeline}/infer", body, Cancellation);
        Assert.Equal(HttpStatusCode.OK, binary.StatusCode);
        var bytes = await binary.Content.ReadAsByteArrayAsync(Cancellation);

        // In the order of the signature.
        Assert.Equal((byte[])[.. second.Data, .. value.Data], bytes[^(second.Data.Length + value.Data.Length)..]);

        using var job = JobCalls.Request(models.Pipeline, Digits.Json(json));
        using var accepted = await admin.SendAsync(job, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        var id = (await accepted.JsonAsync()).GetProperty("id").GetGuid();
        Assert.Equal("succeeded", (await admin.EndedAsync(id)).GetProperty("state").GetString());
        AssertJson(await OkAsync(admin.GetAsync($"/v1/jobs/{id}/result", Cancellation)));

        void AssertJson(JsonElement answer)
        {
            Assert.Equal(second.Data, MemoryMarshal.AsBytes(answer.Output("out").Data<float>().AsSpan()).ToArray());
            Assert.Equal(value.Data, MemoryMarshal.AsBytes(answer.Output("value").Data<float>().AsSpan()).ToArray());
        }
    }

    [Fact]
    public async Task Request_on_which_a_step_fails_is_told_which()
    {
        using var admin = platform.Admin();

        // Its largest is the last, which the last step does not look up.
        float[] large = [.. Enumerable.Range(0, Width).Select(i => (float)i)];
        var json = JsonSerializer.Serialize(new
        {
            inputs = new[] { new { name = "in", datatype = "FP32", shape = new[] { 1, Width }, data = large } },
        });
        using var failed = await admin.PostAsync($"/v2/models/{models.Failing}/infer", Digits.Json(json), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, failed.StatusCode);
        Assert.StartsWith(
            "the model failed on this input: step 'look': operator Gather: ", await failed.ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown model", "step 'one': there is no version '1' of a model 'nobody'")]
    [InlineData("unknown version", "step 'one': there is no version '99' of a model '{layers}'")]
    [InlineData("rejected", "step 'one': version '1' of '{rejected}' was rejected: ")]
    [InlineData("nested", "step 'one': '{pipeline}/1' is a pipeline itself; write its steps here instead")]
    [InlineData("generates", "step 'one': '{decoder}/1' generates text, and can't be a step")]
    [InlineData("unmapped", "step 'one': the input 'x' of its model is not mapped")]
    public async Task Step_that_can_not_be_is_refused_with_its_name(string step, string reason)
    {
        using var admin = platform.Admin();
        var (model, version) = step switch
        {
            "unknown model" => ("nobody", "1"),
            "unknown version" => (models.Layers, "99"),
            "rejected" => (models.Rejected, "1"),
            "nested" => (models.Pipeline, "1"),
            "generates" => (models.Decoder, "1"),
            _ => (models.Layers, "1"),
        };

        var json = PipelineModels.One(model, version);
        var refused = await UploadAsync(
            admin, step == "unmapped" ? json.Replace("{\"x\": \"in\"}", "{}", StringComparison.Ordinal) : json);

        Assert.Equal("rejected", refused.GetProperty("state").GetString());
        Assert.StartsWith(
            "pipeline.json: " + reason.Replace("{layers}", models.Layers, StringComparison.Ordinal)
                .Replace("{rejected}", models.Rejected, StringComparison.Ordinal)
                .Replace("{pipeline}", models.Pipeline, StringComparison.Ordinal)
                .Replace("{decoder}", models.Decoder, StringComparison.Ordinal),
            refused.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Uploader_who_may_not_use_a_model_makes_no_pipeline_of_it()
    {
        using var admin = platform.Admin();
        var name = $"p{Guid.NewGuid():N}";
        var (_, key) = await admin.CreateKeyAsync("admin", models: [name]);
        var (_, other) = await admin.CreateKeyAsync("admin", models: [name, models.Layers]);
        using var scoped = platform.WithKey(key);
        using var allowed = platform.WithKey(other);

        var refused = await ChatModel.UploadAsync(scoped, name, PipelineModels.Files(PipelineModels.One(models.Layers, "1")));
        using var form = Form(PipelineModels.One(models.Layers, "1"));
        using var again = await allowed.PostAsync($"/v1/models/{name}/versions", form, Cancellation);
        Assert.DoesNotContain("uploader_models", await again.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        await Wait.UntilAsync(async () => await StateAsync(allowed, name, "2") != "pending");

        Assert.Equal("rejected", refused.GetProperty("state").GetString());
        Assert.Equal(
            $"pipeline.json: step 'one': there is no version '1' of a model '{models.Layers}'", refused.GetProperty("reason").GetString());
        Assert.Equal("ready", await StateAsync(allowed, name, "2"));
        using var deleted = await admin.DeleteAsync($"/v1/models/{name}", Cancellation);
    }

    [Fact]
    public async Task Version_that_is_a_step_is_not_deleted_before_its_pipelines()
    {
        using var admin = platform.Admin();
        var (model, name) = await UploadWithStepAsync(admin);

        foreach (var path in (string[])[$"{model}/versions/1", $"{model}/versions/1?force=true"])
        {
            using var refused = await admin.DeleteAsync($"/v1/models/{path}", Cancellation);
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Equal($"Version 1 of '{model}' is a step of '{name}/1'. Delete these pipelines first.", await refused.ProblemAsync());
        }

        using var whole = await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
        Assert.Equal(HttpStatusCode.Conflict, whole.StatusCode);
        Assert.Equal($"A version of '{model}' is a step of '{name}/1'. Delete these pipelines first.", await whole.ProblemAsync());

        using var pipeline = await admin.DeleteAsync($"/v1/models/{name}", Cancellation);
        using var now = await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (pipeline.StatusCode, now.StatusCode));
    }

    [Fact]
    public async Task Pipeline_of_an_unloaded_model_is_not_served_until_that_is_loaded()
    {
        using var admin = platform.Admin();
        var (model, name) = await UploadWithStepAsync(admin);
        Task<HttpResponseMessage> InferAsync() => PipelineTests.InferAsync(admin, name);
        await UntilAsync(InferAsync, HttpStatusCode.OK);

        using var unload = await admin.PostAsync($"/v2/repository/models/{model}/unload", null, Cancellation);
        var error = await UntilAsync(InferAsync, HttpStatusCode.NotFound);
        using var load = await admin.PostAsync($"/v2/repository/models/{model}/load", null, Cancellation);
        await UntilAsync(InferAsync, HttpStatusCode.OK);

        Assert.Contains(
            $"version '1' of '{name}' is a pipeline, of which the step 'one' can't run: the model '{model}' is unloaded", error,
            StringComparison.Ordinal);
        using var pipeline = await admin.DeleteAsync($"/v1/models/{name}", Cancellation);
        using var deleted = await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task No_other_version_answers_for_a_stable_pipeline_that_can_not_run_unless_the_model_falls_back_to_it()
    {
        using var admin = platform.Admin();
        var (model, name) = await UploadWithStepAsync(admin);
        using var form = Form(PipelineModels.One(models.Layers, "1"));
        using var second = await admin.PostAsync($"/v1/models/{name}/versions", form, Cancellation);
        await Wait.UntilAsync(async () => await StateAsync(admin, name, "2") == "ready");
        using var policy = await admin.PutAsJsonAsync(
            $"/v1/models/{name}/traffic", new { stable = "1", canary = new { version = "2", weight = 0 } }, Cancellation);
        Assert.True(policy.IsSuccessStatusCode, await policy.Content.ReadAsStringAsync(Cancellation));
        Task<HttpResponseMessage> InferAsync() => PipelineTests.InferAsync(admin, name);
        await UntilAsync(InferAsync, HttpStatusCode.OK);

        using var unload = await admin.PostAsync($"/v2/repository/models/{model}/unload", null, Cancellation);
        await OnEachReplicaAsync(admin, name, refused => refused.StatusCode == HttpStatusCode.NotFound);
        var error = await UntilAsync(InferAsync, HttpStatusCode.NotFound);
        var jobError = await UntilAsync(() => SubmitAsync(admin, name), HttpStatusCode.NotFound);
        var refusedBatch = await admin.AcceptBatchAsync([BatchLine(name)]);
        await admin.BatchEndedAsync(refusedBatch);
        var refusedLine = Assert.Single(await admin.FileAsync(refusedBatch, "errors")).ToString();
        using var settings = await admin.PutAsJsonAsync(
            $"/v1/models/{name}/settings",
            new { traffic = new { stable = "1" }, fallback = new { model = name, version = "2" } }, Cancellation);
        Assert.True(settings.IsSuccessStatusCode, await settings.Content.ReadAsStringAsync(Cancellation));
        string? fellTo = null;
        await Wait.UntilAsync(async () =>
        {
            using var response = await InferAsync();
            fellTo = response.Headers.TryGetValues("Inference-Fallback", out var values) ? values.Single() : null;
            return response.StatusCode == HttpStatusCode.OK && fellTo is not null;
        });

        Assert.StartsWith($"version '1' of '{name}' is a pipeline, of which the step 'one' can't run: ", error, StringComparison.Ordinal);
        Assert.Equal($"{name}/2", fellTo);
        Assert.Equal(error, jobError);
        Assert.Contains(
            $"version '1' of '{name}' is a pipeline, of which the step 'one' can't run: ", refusedLine, StringComparison.Ordinal);

        // Jobs and lines of batch jobs likewise.
        JsonElement job = default;
        await Wait.UntilAsync(async () =>
        {
            using var accepted = await SubmitAsync(admin, name);
            job = await accepted.JsonAsync();
            return accepted.StatusCode == HttpStatusCode.Accepted
                && accepted.Headers.GetValues("Inference-Fallback").Single() == $"{name}/2";
        });
        await OnEachReplicaAsync(admin, name, fallen => fallen.IsSuccessStatusCode);
        Assert.Equal("2", job.GetProperty("model_version").GetString());
        Assert.Equal("succeeded", (await admin.EndedAsync(job.GetProperty("id").GetGuid())).GetProperty("state").GetString());
        var batch = await admin.AcceptBatchAsync([BatchLine(name)]);
        Assert.Equal((1, 1, 0), (await admin.BatchEndedAsync(batch)).Counts());
        var line = Assert.Single(await admin.FileAsync(batch, "output")).ToString();
        Assert.Contains($"\"fallback\":\"{name}/2\"", line, StringComparison.Ordinal);

        // A job that another model runs is its caller's, who may use no more than the pipeline.
        var other = $"o{Guid.NewGuid():N}";
        await ChatModel.UploadAsync(admin, other, PipelineModels.Files(PipelineModels.One(models.Layers, "1")));
        using var elsewhere = await admin.PutAsJsonAsync(
            $"/v1/models/{name}/settings",
            new { traffic = new { stable = "1" }, fallback = new { model = other, version = "1" } }, Cancellation);
        Assert.True(elsewhere.IsSuccessStatusCode, await elsewhere.Content.ReadAsStringAsync(Cancellation));
        var (_, key) = await admin.CreateKeyAsync("service", models: [name]);
        using var scoped = platform.WithKey(key);
        await Wait.UntilAsync(async () =>
        {
            using var accepted = await SubmitAsync(scoped, name);
            job = await accepted.JsonAsync();
            return accepted.StatusCode == HttpStatusCode.Accepted
                && accepted.Headers.GetValues("Inference-Fallback").Single() == $"{other}/1";
        });
        var id = job.GetProperty("id").GetGuid();
        Assert.Equal("succeeded", (await scoped.EndedAsync(id)).GetProperty("state").GetString());
        using var result = await scoped.GetAsync($"/v1/jobs/{id}/result", Cancellation);
        Assert.Equal(HttpStatusCode.OK, result.StatusCode);
        Assert.Contains(id, await scoped.IdsAsync(""));
        using var unused = await admin.DeleteAsync($"/v1/models/{other}", Cancellation);

        using var pipeline = await admin.DeleteAsync($"/v1/models/{name}", Cancellation);
        using var deleted = await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    // A model with one version, and a pipeline of it.
    private static async Task<(string Model, string Pipeline)> UploadWithStepAsync(HttpClient admin)
    {
        var (model, pipeline) = ($"m{Guid.NewGuid():N}", $"p{Guid.NewGuid():N}");
        await ChatModel.UploadAsync(admin, model, [("model.onnx", OnnxModel.Layers(1, Width))]);
        await ChatModel.UploadAsync(admin, pipeline, PipelineModels.Files(PipelineModels.One(model, "1")));
        return (model, pipeline);
    }

    // A batch job is run by any of them.
    private static Task OnEachReplicaAsync(HttpClient client, string pipeline, Func<HttpResponseMessage, bool> wanted) =>
        client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Post, $"/v2/models/{pipeline}/infer") { Content = Digits.Json(Zeros) },
            response => Task.FromResult(wanted(response)));

    private static Task<HttpResponseMessage> InferAsync(HttpClient client, string pipeline) =>
        client.PostAsync($"/v2/models/{pipeline}/infer", Digits.Json(Zeros), Cancellation);

    private static async Task<HttpResponseMessage> SubmitAsync(HttpClient client, string pipeline)
    {
        using var job = JobCalls.Request(pipeline, Digits.Json(Zeros));
        return await client.SendAsync(job, Cancellation);
    }

    private static string BatchLine(string pipeline) => $$"""{"model":"{{pipeline}}","body":{{Zeros}}}""";

    private static async Task<string> UntilAsync(Func<Task<HttpResponseMessage>> call, HttpStatusCode status)
    {
        var body = "";
        await Wait.UntilAsync(async () =>
        {
            using var response = await call();
            body = await response.Content.ReadAsStringAsync(Cancellation);
            return response.StatusCode == status;
        });
        return JsonElement.Parse(body).TryGetProperty("error", out var error) ? error.GetString()! : body;
    }

    private static async Task<JsonElement> UploadAsync(HttpClient admin, string json)
    {
        var name = $"p{Guid.NewGuid():N}";
        var version = await ChatModel.UploadAsync(admin, name, PipelineModels.Files(json));
        using var deleted = await admin.DeleteAsync($"/v1/models/{name}", Cancellation);
        return version;
    }

    private static MultipartFormDataContent Form(string json) =>
        new() { { new ByteArrayContent(Encoding.UTF8.GetBytes(json)), "file", "pipeline.json" } };

    private static async Task<string?> StateAsync(HttpClient client, string model, string version)
    {
        using var response = await client.GetAsync($"/v1/models/{model}/versions/{version}", Cancellation);
        return (await response.JsonAsync()).GetProperty("state").GetString();
    }

    private static async Task<JsonElement> OkAsync(Task<HttpResponseMessage> call)
    {
        using var response = await call;
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancellation));
        return await response.JsonAsync();
    }

    private static string Told(JsonElement tensor) =>
        $"{tensor.GetProperty("name").GetString()} {tensor.GetProperty("datatype").GetString()} {tensor.GetProperty("shape").GetRawText()}";

    private static CallTensor Output(CallAnswer answer, string name)
    {
        Assert.True(answer.Error is null, answer.Error);
        return answer.Outputs.Single(o => o.Name == name);
    }

    private static CallTensor Noise(string name, int rows)
    {
        var random = new Random(7);
        return CallTensor.Of(
            name, "FP32", [rows, Width], [.. Enumerable.Range(0, rows * Width).Select(_ => (float)random.NextDouble() - 0.5f)]);
    }

    private static bool Bits((byte[] Out, byte[] Value) a, (byte[] Out, byte[] Value) b) =>
        a.Out.SequenceEqual(b.Out) && a.Value.SequenceEqual(b.Value);
}
