using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Models of several files, from their upload to what they answer, by the API and a real worker.</summary>
public sealed class ExternalDataTests(Platform platform)
{
    private static readonly (string Name, byte[] Content)[] Files = ExternalModel.Files(scale: 3, shift: 10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("application/zip", "application/zip", ".zip")]
    [InlineData("application/octet-stream", "application/zip", ".zip")]
    [InlineData("application/x-tar", "application/x-tar", ".tar")]
    [InlineData("multipart/form-data", "application/zip", ".zip")]
    public async Task Model_of_several_files_is_served_and_downloaded(string sentAs, string storedAs, string extension)
    {
        using var client = platform.Admin();
        using var body = Body(sentAs, Files);

        var (model, version) = await UploadAsync(client, body);
        using var answer = await client.PostAsync(
            $"/v2/models/{model}/infer",
            Digits.Json("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"""), Cancellation);
        using var download = await client.GetAsync($"/v1/models/{model}/versions/1/artifact", Cancellation);

        Assert.Equal("ready", version.GetProperty("state").GetString());
        var output = (await answer.JsonAsync()).Output("y");
        Assert.Equal([13, 16, 19, 22], output.Data<float>());
        Assert.Equal(storedAs, download.Content.Headers.ContentType!.MediaType);
        Assert.Equal($"{model}-1{extension}", download.Content.Headers.ContentDisposition!.FileName!.Trim('"'));
        Assert.Equal(Files, await FilesOfAsync(download), (a, b) => a.Name == b.Name && a.Content.SequenceEqual(b.Content));
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Form_of_one_file_is_served()
    {
        using var client = platform.Admin();
        using var body = Body("multipart/form-data", [("any.onnx", OnnxFile.Add(10))]);

        var (model, version) = await UploadAsync(client, body);

        Assert.Equal("ready", version.GetProperty("state").GetString());
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Theory]
    [InlineData("alone", "the constant 'scale' is in 'model.onnx.data', which is not there; upload both together, as a zip, a tar or")]
    [InlineData("without one", "the constant 'shift' is in 'more/shift.bin', which is not there")]
    [InlineData("cut short", "the constant 'scale' is in 'model.onnx.data' from 8, 16 bytes, and that has 20 bytes")]
    [InlineData("leading out", "a file is called '../model.onnx.data', which is not a relative path")]
    public async Task Model_whose_files_are_not_all_there_is_rejected_with_the_file(string upload, string reason)
    {
        using var client = platform.Admin();
        using var body = Body("application/zip", upload switch
        {
            "without one" => Files[..2],
            "cut short" => [Files[0], (Files[1].Name, Files[1].Content[..20]), Files[2]],
            _ => [.. Files, ("../model.onnx.data", [1])],
        });
        using var alone = new ByteArrayContent(Files[0].Content);

        var (model, version) = await UploadAsync(client, upload == "alone" ? alone : body);

        Assert.Equal("rejected", version.GetProperty("state").GetString());
        Assert.Contains(reason, version.GetProperty("reason").GetString(), StringComparison.Ordinal);
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Form_that_is_not_one_of_files_is_refused_at_once()
    {
        using var client = platform.Admin();
        var path = $"/v1/models/test-{Guid.NewGuid():N}/versions";
        using var field = new MultipartFormDataContent { { new StringContent("2"), "version" } };
        using var hashed = Body("multipart/form-data", Files);
        hashed.Headers.Add("Content-Digest", $"sha-256=:{Convert.ToBase64String(new byte[32])}:");

        using var answer = await client.PostAsync(path, field, Cancellation);
        using var compared = await client.PostAsync(path, hashed, Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (answer.StatusCode, compared.StatusCode));
        Assert.Contains("'version', which is no file", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Contains("be compared with a form", await compared.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static HttpContent Body(string contentType, (string Name, byte[] Content)[] files)
    {
        if (contentType == "multipart/form-data")
        {
            var form = new MultipartFormDataContent();
            Array.ForEach(files, f => form.Add(new ByteArrayContent(f.Content), "file", f.Name));
            return form;
        }

        var body = new ByteArrayContent(contentType == "application/x-tar" ? ExternalModel.Tar(files) : ExternalModel.Zip(files));
        body.Headers.ContentType = new(contentType);
        return body;
    }

    private static async Task<(string Model, JsonElement Version)> UploadAsync(HttpClient client, HttpContent body)
    {
        var model = $"test-{Guid.NewGuid():N}";
        using var uploaded = await client.PostAsync($"/v1/models/{model}/versions", body, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        var wait = Wait.For($"the inspection of {model}");
        while (true)
        {
            using var response = await client.GetAsync($"/v1/models/{model}/versions/1", Cancellation);
            if (await response.JsonAsync() is var version && version.GetProperty("state").GetString() is var state && state != "pending")
            {
                if (state == "ready")
                {
                    await client.KnownAsync(model);
                }

                return (model, version);
            }

            await wait.PauseAsync();
        }
    }

    private static async Task<List<(string Name, byte[] Content)>> FilesOfAsync(HttpResponseMessage download)
    {
        var content = await download.Content.ReadAsByteArrayAsync(Cancellation);
        List<(string Name, byte[] Content)> files = [];
        if (download.Content.Headers.ContentType!.MediaType == "application/zip")
        {
            await using var zip = new ZipArchive(new MemoryStream(content));
            foreach (var entry in zip.Entries)
            {
                await using var file = await entry.OpenAsync(Cancellation);
                files.Add((entry.FullName, await BytesAsync(file)));
            }

            return files;
        }

        await using var tar = new TarReader(new MemoryStream(content));
        while (await tar.GetNextEntryAsync(copyData: true, Cancellation) is { } entry)
        {
            files.Add((entry.Name, await BytesAsync(entry.DataStream!)));
        }

        return files;
    }

    private static async Task<byte[]> BytesAsync(Stream stream)
    {
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, Cancellation);
        return bytes.ToArray();
    }
}
