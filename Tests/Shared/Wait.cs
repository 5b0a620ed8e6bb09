using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace InferenceTemplate.Tests.Shared;

/// <summary>Waits for a state, never for a number of seconds, and never for ever: what does not come within three minutes is named.</summary>
public sealed class Wait
{
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    private readonly string _awaited;
    private readonly TimeSpan _limit;
    private readonly Stopwatch _elapsed = Stopwatch.StartNew();

    private Wait(string awaited, TimeSpan limit) => (_awaited, _limit) = (awaited, limit);

    private string Message => $"Still waiting after {_limit.TotalSeconds:0} s for: {_awaited}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>For a loop that calls <see cref="PauseAsync"/> or <see cref="ThrowIfOver"/> each time.</summary>
    /// <param name="awaited">What is waited for, as the failure is to name it.</param>
    /// <param name="limit">Default: three minutes.</param>
    public static Wait For(string awaited, TimeSpan? limit = null) => new(awaited, limit ?? DefaultLimit);

    public static async Task UntilAsync(
        Func<Task<bool>> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string awaited = "")
    {
        var wait = For(awaited, limit);
        try
        {
            while (!await condition().WaitAsync(wait._limit, Cancellation))
            {
                await wait.PauseAsync();
            }
        }
        catch (TimeoutException endless) when (endless.Message != wait.Message)
        {
            throw new TimeoutException(wait.Message, endless);
        }
    }

    public static Task UntilAsync(
        Func<bool> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string awaited = "") =>
        UntilAsync(() => Task.FromResult(condition()), limit, awaited);

    public async Task PauseAsync()
    {
        ThrowIfOver();
        await Task.Delay(s_pause, Cancellation);
    }

    public void ThrowIfOver()
    {
        Cancellation.ThrowIfCancellationRequested();
        if (_elapsed.Elapsed > _limit)
        {
            throw new TimeoutException(Message);
        }
    }
}
