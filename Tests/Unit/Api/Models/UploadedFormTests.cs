using System.IO.Compression;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.Tests.Unit.Api.Models;

public sealed class UploadedFormTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Files_of_a_form_become_a_zip_with_the_same_bytes_each_time()
    {
        var large = new byte[3 << 20];
        new Random(1).NextBytes(large);
        (string Name, byte[] Content)[] files = [("model.onnx", [1, 2, 3]), ("model.onnx.data", large), ("more/empty.bin", [])];

        var zip = await PackAsync(Form(files));

        Assert.Equal(zip, await PackAsync(Form(files)));
        await using var read = new ZipArchive(new MemoryStream(zip));
        Assert.Equal(files.Select(f => f.Name), read.Entries.Select(e => e.FullName));
        foreach (var (entry, file) in read.Entries.Zip(files))
        {
            using var content = new MemoryStream();
            await using var stream = await entry.OpenAsync(Cancellation);
            await stream.CopyToAsync(content, Cancellation);
            Assert.Equal(file.Content, content.ToArray());
        }
    }

    [Theory]
    [InlineData("../model.onnx", "'../model.onnx', which is not a relative path")]
    [InlineData("/model.onnx", "'/model.onnx', which is not a relative path")]
    [InlineData("C:model.onnx", "'C:model.onnx', which is not a relative path")]
    [InlineData("a.onnx", "'a.onnx' is there twice")]
    [InlineData("A.ONNX", "'A.ONNX' is there twice")]
    [InlineData("a.onnx/b", "'a.onnx/b' is there twice")]
    [InlineData("model.zip", "send it as the body itself")]
    [InlineData("model.tar", "send it as the body itself")]
    public async Task Form_with_a_file_of_such_a_name_is_refused(string name, string reason) =>
        await RefuseAsync(Form([("a.onnx", [1]), (name, [2])]), reason);

    [Fact]
    public async Task Form_with_too_many_files_is_refused() => await RefuseAsync(
        Form([.. Enumerable.Range(0, ModelFileNames.MaxFiles + 1).Select(i => ($"f{i}", Array.Empty<byte>()))]), "more than 1000 files");

    [Fact]
    public async Task Form_with_another_field_is_refused()
    {
        var form = Form([("a.onnx", [1])]);
        form.Add(new StringContent("2"), "version");

        await RefuseAsync(form, "the field 'version', which is no file");
    }

    [Fact]
    public async Task Form_without_a_file_is_refused()
    {
        var refused = await Assert.ThrowsAsync<UploadedFormException>(
            () => PackAsync("--b--\r\n"u8.ToArray(), "multipart/form-data; boundary=b"));

        Assert.Contains("without a file", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("multipart/form-data", "names no boundary")]
    [InlineData("multipart/form-data; boundary=a/b", "names no boundary")]
    [InlineData("multipart/form-data; boundary=eleven-bytes-eleven-bytes-eleven-bytes-eleven-bytes-eleven-bytes-eleven-bytes", "names no boundary")]
    [InlineData("multipart/form-data; boundary=other", "cut off or can't be read")]
    public async Task Form_that_is_not_of_its_boundary_is_refused(string contentType, string reason) =>
        await RefuseAsync(Form([("a.onnx", [1])]), reason, contentType);

    [Fact]
    public async Task Form_that_is_cut_off_is_refused()
    {
        var body = await Form([("a.onnx", new byte[1000])]).ReadAsByteArrayAsync(Cancellation);

        var refused = await Assert.ThrowsAsync<UploadedFormException>(
            () => PackAsync(body[..^100], "multipart/form-data; boundary=b"));

        Assert.Contains("cut off", refused.Message, StringComparison.Ordinal);
    }

    private static MultipartFormDataContent Form((string Name, byte[] Content)[] files)
    {
        var form = new MultipartFormDataContent("b");
        foreach (var (name, content) in files)
        {
            form.Add(new ByteArrayContent(content), "file", name);
        }

        return form;
    }

    private static async Task RefuseAsync(MultipartFormDataContent form, string reason, string? contentType = null)
    {
        var refused = await Assert.ThrowsAsync<UploadedFormException>(() => PackAsync(form, contentType));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private static async Task<byte[]> PackAsync(MultipartFormDataContent form, string? contentType = null) =>
        await PackAsync(await form.ReadAsByteArrayAsync(Cancellation), contentType ?? form.Headers.ContentType!.ToString());

    private static async Task<byte[]> PackAsync(byte[] body, string contentType)
    {
        var context = new DefaultHttpContext();
        (context.Request.Body, context.Request.ContentType) = (new MemoryStream(body), contentType);
        using var packed = new MemoryStream();
        await using var form = UploadedForm.Pack(context.Request);
        await form.CopyToAsync(packed, Cancellation);
        return packed.ToArray();
    }
}
