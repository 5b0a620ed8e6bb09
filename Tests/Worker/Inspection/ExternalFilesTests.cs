using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Tests.Worker.Inspection;

public sealed class ExternalFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("external-").FullName;

    public ExternalFilesTests()
    {
        File.WriteAllBytes(Path.Combine(_folder, "data.bin"), new byte[100]);
        Directory.CreateDirectory(Path.Combine(_folder, "more"));
        File.WriteAllBytes(Path.Combine(_folder, "more", "data.bin"), new byte[16]);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "location=/etc/passwd", "'/etc/passwd', which is not a relative path" },
        { "location=../data.bin", "'../data.bin', which is not a relative path" },
        { "location=more/../data.bin", "'more/../data.bin', which is not a relative path" },
        { "location=./../data.bin", "'../data.bin', which is not a relative path" },
        { "location=.//data.bin", "'/data.bin', which is not a relative path" },
        { "location=more/./data.bin", "'more/./data.bin', which is not a relative path" },
        { "location=./gone.bin", "'gone.bin', which is not there" },
        { @"location=more\data.bin", @"'more\data.bin', which is not a relative path" },
        { "location=C:data.bin", "'C:data.bin', which is not a relative path" },
        { "location=data.bin\0", "'data.bin?', which is not a relative path" },
        { "location=*/_ORT_MEM_ADDR_/*", "'*/_ORT_MEM_ADDR_/*', which is not a relative path" },
        { "location=", "'', which is not a relative path" },
        { "location=model.onnx", "'model.onnx', which is not there" },
        { "location=Data.bin", "'Data.bin', which is not there" },
        { "location=link.bin", "'link.bin', which is not there" },
        { "location=folder/passwd", "'folder/passwd', which is not there" },
        { "location=gone.bin", "'gone.bin', which is not there; upload both together, as a zip, a tar or multipart/form-data" },
        { "location=data.bin;offset=101", "'data.bin' from 101, and that has 100 bytes" },
        { "location=data.bin;offset=85;length=16", "'data.bin' from 85, 16 bytes, and that has 100 bytes" },
        { "location=data.bin;length=101", "'data.bin' from 0, 101 bytes, and that has 100 bytes" },
        { "location=data.bin;offset=9223372036854775807;length=16", "and that has 100 bytes" },
        { "location=data.bin;offset=18446744073709551615", "whose offset is no number" },
        { "location=data.bin;offset=-1", "whose offset is no number" },
        { "location=data.bin;length=many", "whose length is no number" },
        { "location=data.bin;offset=99", "the constant 'weights' declares 16 elements but holds 1 bytes" },
        { "location=data.bin;location=/etc/passwd", "'location', which is not known or there twice" },
        { "location=data.bin;prepacked_0=1", "'prepacked_0', which is not known or there twice" },
        { "offset=0", "the constant 'weights', and does not say where" },
        { "", "the constant 'weights', and does not say where" },
    };

    private string ModelPath => Path.Combine(_folder, "model.onnx");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Refused))]
    public void Data_that_is_not_all_in_a_file_of_the_upload_is_refused(string where, string reason)
    {
        File.CreateSymbolicLink(Path.Combine(_folder, "link.bin"), Path.Combine(_folder, "data.bin"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "folder"), "/etc");

        var refused = Assert.Throws<ModelRefusedException>(() => Scan([16], Pairs(where)));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', refused.Message);
    }

    [Theory]
    [InlineData("location=data.bin;length=64", "data.bin")]
    [InlineData("location=data.bin;offset=36;length=64", "data.bin")]
    [InlineData("location=data.bin;offset=0;length=0", "data.bin")]
    [InlineData("location=more/data.bin;checksum=0123", "more/data.bin")]
    [InlineData("location=./data.bin;length=64", "data.bin")]
    [InlineData("location=./more/data.bin", "more/data.bin")]
    public void Data_in_a_file_of_the_upload_is_taken(string where, string used) => Assert.Equal([used], Scan([4], Pairs(where)).Used);

    [Fact]
    public void Model_that_stands_alone_is_told_which_file_is_missing_and_how_to_upload_it()
    {
        Write([16], Pairs("location=data.bin"));

        var refused = Assert.Throws<ModelRefusedException>(() => OnnxScanner.Scan(ModelPath, SmallModels.Limits));

        Assert.Equal(
            "it keeps data outside the file: the constant 'weights' is in 'data.bin', which is not there; "
            + "upload both together, as a zip, a tar or multipart/form-data",
            refused.Message);
    }

    [Fact]
    public void Files_of_more_than_2_GiB_are_scanned_without_being_read()
    {
        const long Large = 5L << 30;
        using (var data = File.Create(Path.Combine(_folder, "large.bin")))
        {
            data.SetLength(Large);
        }

        Assert.Equal(["large.bin"], Scan([Large / 8], ("location", "large.bin"), ("offset", $"{Large / 2}")).Used);

        // A constant of as many bytes within the model's own file, of which nothing is written but its head.
        byte[] head = [.. OnnxFile.Number(1, Large / 4), .. OnnxFile.Number(2, 1), .. OnnxFile.Text(8, "c"), .. Head(9, Large)];
        byte[] graph = [.. Head(5, head.Length + Large), .. head];
        using (var model = File.Create(ModelPath))
        {
            model.Write([.. OnnxFile.Number(1, 8), .. Head(7, graph.Length + Large), .. graph]);
            model.SetLength(model.Position + Large);
        }

        Assert.Empty(OnnxScanner.Scan(ModelPath, SmallModels.Limits).Operators);
    }

    private static byte[] Head(int field, long length) =>
        [.. OnnxFile.Number(field, (ulong)length).Select((b, i) => i == 0 ? (byte)(b | 2) : b)];

    private static (string Key, string Value)[] Pairs(string where) =>
        [.. where.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(p => (p[..p.IndexOf('=')], p[(p.IndexOf('=') + 1)..]))];

    private void Write(long[] shape, params (string Key, string Value)[] where) => File.WriteAllBytes(
        ModelPath,
        new OnnxModel().Input("x", OnnxModel.Float, -1, 4).Output("y", OnnxModel.Float, -1, 4)
            .External("weights", shape, where).Node("Add", ["x", "weights"], ["y"]).ToBytes());

    private ExternalFiles Scan(long[] shape, params (string Key, string Value)[] where)
    {
        Write(shape, where);
        var files = ExternalFiles.Beside(ModelPath);
        OnnxScanner.Scan(ModelPath, SmallModels.Limits, files);
        return files;
    }
}
