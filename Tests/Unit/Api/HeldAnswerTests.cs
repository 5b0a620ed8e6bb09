using System.Text;
using InferenceTemplate.Api.Idempotency;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class HeldAnswerTests
{
    [Fact]
    public async Task Answer_is_held_back_until_it_is_too_long_to_be_kept()
    {
        using var sent = new MemoryStream();
        using var answer = new HeldAnswer(sent, maxBytes: 4);

        await answer.WriteAsync("1234"u8.ToArray(), CancellationToken.None);
        await answer.FlushAsync(CancellationToken.None);
        var (held, early) = (answer.Bytes.ToArray(), sent.Length);
        await answer.WriteAsync("5"u8.ToArray(), CancellationToken.None);
        await answer.WriteAsync("6"u8.ToArray(), CancellationToken.None);

        Assert.Equal("1234"u8.ToArray(), held);
        Assert.Equal(0, early);
        Assert.True(answer.IsTooLong);
        Assert.Equal("123456", Encoding.UTF8.GetString(sent.ToArray()));
    }

    [Fact]
    public async Task Body_is_hashed_with_its_target_however_it_is_read()
    {
        using var inOne = new HashingStream(new MemoryStream("body"u8.ToArray()), "POST\n/a");
        using var inParts = new HashingStream(new MemoryStream("body"u8.ToArray()), "POST\n/a");
        using var elsewhere = new HashingStream(new MemoryStream("body"u8.ToArray()), "POST\n/b");
        using var longer = new HashingStream(new MemoryStream("body and more"u8.ToArray()), "POST\n/a");

        Assert.True(await inOne.DrainAsync(4, CancellationToken.None));
        Assert.Equal(1, await inParts.ReadAsync(new byte[1], CancellationToken.None));
        Assert.True(await inParts.DrainAsync(4, CancellationToken.None));
        Assert.True(await elsewhere.DrainAsync(4, CancellationToken.None));
        Assert.False(await longer.DrainAsync(4, CancellationToken.None));

        Assert.Equal((4, 4), (inOne.BytesRead, inParts.BytesRead));
        Assert.Equal(inOne.Fingerprint(), inParts.Fingerprint());
        Assert.NotEqual(inOne.Fingerprint(), elsewhere.Fingerprint());
    }
}
