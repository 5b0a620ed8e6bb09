using System.Text;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class ResponseCacheTests(Servers servers)
{
    private static readonly CacheSettings Settings = new(TimeSpan.FromMinutes(1), MaxBytes: 64 << 10);

    private readonly string _model = $"cached-{Guid.NewGuid():N}";

    private ResponseCache Cache => new(servers.Redis);

    [Fact]
    public async Task Answer_comes_out_byte_by_byte_as_it_went_in()
    {
        // Among the bytes a NaN, a terminator and what is no UTF-8.
        byte[] data = [0, 0, 0xC0, 0x7F, 0xFF, 0x00, 0x0A, 0x80];
        var reply = Reply(data);

        Assert.Null(await Cache.GetAsync(Key("a")));
        Assert.True(await Cache.PutAsync(Key("a"), reply, Settings));
        var kept = await Cache.GetAsync(Key("a"));

        var output = Assert.Single(kept!.Outputs);
        Assert.Equal(("out", Datatype.Fp32), (output.Name, output.Datatype));
        Assert.Equal([2L], output.Shape);
        Assert.Equal(data, output.Data.ToArray());
    }

    [Fact]
    public async Task Oldest_answers_go_when_the_bound_is_reached()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.True(await Cache.PutAsync(Key($"{i}"), Reply(new byte[10_000]), Settings));
        }

        // Six of some 10,100 bytes fit into 65,536.
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(i >= 14, await Cache.GetAsync(Key($"{i}")) is not null);
        }

        Assert.InRange((long)await servers.Redis.GetDatabase().StringGetAsync($"{Prefix}bytes"), 60_000, Settings.MaxBytes);
        Assert.Equal(6, await servers.Redis.GetDatabase().SortedSetLengthAsync($"{Prefix}index"));
    }

    [Fact]
    public async Task Answer_larger_than_the_bound_is_not_kept_and_drives_no_other_out()
    {
        await Cache.PutAsync(Key("small"), Reply(new byte[8]), Settings);

        Assert.False(await Cache.PutAsync(Key("large"), Reply(new byte[70_000]), Settings));
        Assert.NotNull(await Cache.GetAsync(Key("small")));
    }

    [Fact]
    public async Task Same_answer_is_counted_once()
    {
        Assert.True(await Cache.PutAsync(Key("a"), Reply(new byte[1000]), Settings));
        Assert.False(await Cache.PutAsync(Key("a"), Reply(new byte[1000]), Settings));

        Assert.InRange((long)await servers.Redis.GetDatabase().StringGetAsync($"{Prefix}bytes"), 1000, 1999);
    }

    [Fact]
    public async Task Answer_ends_with_its_time_and_leaves_nothing_behind()
    {
        var brief = Settings with { TimeToLive = TimeSpan.FromMilliseconds(200) };
        await Cache.PutAsync(Key("brief"), Reply(new byte[1000]), brief);
        await Wait.UntilAsync(async () => await Cache.GetAsync(Key("brief")) is null);

        // The next one finds the room that it took.
        await Cache.PutAsync(Key("next"), Reply(new byte[10]), Settings);
        Assert.InRange((long)await servers.Redis.GetDatabase().StringGetAsync($"{Prefix}bytes"), 10, 999);
        Assert.Equal(1, await servers.Redis.GetDatabase().SortedSetLengthAsync($"{Prefix}index"));
    }

    [Fact]
    public async Task Answer_of_another_release_is_none()
    {
        await servers.Redis.GetDatabase().StringSetAsync($"{Prefix}{Key("a").Hash}", Encoding.UTF8.GetBytes("something else"));

        Assert.Null(await Cache.GetAsync(Key("a")));
    }

    private string Prefix => $"inference:{{{_model}/1}}:cache:";

    private ResponseCacheKey Key(string name) => new(_model, "1", name);

    private static InferenceReply Reply(byte[] data) => new(
        Guid.NewGuid(), ReplyOutcome.Completed, null, default, TimeSpan.FromMilliseconds(1), 1, "worker",
        [new Tensor("out", Datatype.Fp32, [data.Length / 4], data)]);
}
