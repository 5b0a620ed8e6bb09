using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Live;
using InferenceTemplate.Web.SignIn;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.JSInterop;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>
/// What the pages of the console have in common: they read after their circuit stands, and say what failed, what was done, and who may not.
/// </summary>
public abstract class ConsolePage : ComponentBase, IDisposable
{
    private static readonly TimeSpan MessageStays = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenStreams = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _closed = new();
    private long _saidAt;

    protected ConsolePage() => Closed = _closed.Token;

    [Inject]
    protected NavigationManager Navigation { get; set; } = null!;

    [Inject]
    protected IJSRuntime Browser { get; set; } = null!;

    [Inject]
    protected TimeProvider Time { get; set; } = null!;

    [CascadingParameter]
    private Task<AuthenticationState> Authentication { get; set; } = null!;

    /// <summary>Null until the page has read for the first time.</summary>
    protected Session? Session { get; private set; }

    protected string Token => Session!.AccessToken;

    protected bool IsAdmin => Session?.IsAdmin == true;

    /// <summary>What failed last, for people; null where nothing did.</summary>
    protected string? Problem { get; set; }

    /// <summary>What was done last; a page that reads again takes it away after <see cref="MessageStays"/>.</summary>
    protected string? Message
    {
        get;
        set => (field, _saidAt) = (value, Time.GetTimestamp());
    }

    protected bool IsForbidden { get; private set; }

    /// <summary>Why the last thing that was tried was not done; it stays while the page reads on.</summary>
    protected string? Refusal { get; set; }

    /// <summary>Whether a question waits for its answer, which reading again would take away.</summary>
    public bool IsAsking { get; set; }

    /// <summary>Cancelled when nobody looks at the page any more.</summary>
    protected CancellationToken Closed { get; }

    /// <summary>How often the page reads again; null for never.</summary>
    protected virtual TimeSpan? Interval => null;

    /// <summary>Whether it does now: where what is shown is old, reading it again would only cost.</summary>
    protected virtual bool ReadsAgain => true;

    /// <summary>Whether what is shown follows a stream of events.</summary>
    protected bool Follows { get; private set; }

    /// <summary>Reads what the page shows.</summary>
    protected abstract Task LoadAsync();

    // Not while the page is rendered ahead of its circuit: that request should not wait for the Api.
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender)
        {
            return;
        }

        Session = Session.From((await Authentication).User);
        if (Session is null)
        {
            SignInAgain();
            return;
        }

        try
        {
            await LoadAsync();
            StateHasChanged();
            var pace = await RefreshPaces.ReadAsync(Browser, Closed);
            while (Interval is { } interval && pace.Of(interval) is { } wait && !IsForbidden)
            {
                await Task.Delay(wait, Time, Closed);
                if (!IsAsking)
                {
                    if (ReadsAgain)
                    {
                        await LoadAsync();
                    }

                    if (Message is not null && Time.GetElapsedTime(_saidAt) >= MessageStays)
                    {
                        Message = null;
                    }

                    StateHasChanged();
                }
            }
        }
        catch (OperationCanceledException) when (Closed.IsCancellationRequested)
        {
            // The page was closed.
        }
    }

    /// <summary>The value of a call, or null, and then the page says why.</summary>
    protected T? Take<T>(ApiResult<T> result)
        where T : class
    {
        IsForbidden = result.Failure == ApiFailure.Forbidden;
        Problem = Explain(result);
        return result.Value;
    }

    /// <summary>
    /// The value of a call without which the page still stands, or null: what failed is said, and what the role may not read is left out.
    /// </summary>
    protected T? TakePart<T>(ApiResult<T> result)
        where T : class
    {
        if (result.Failure is not (null or ApiFailure.Forbidden))
        {
            Problem ??= Explain(result);
        }

        return result.Value;
    }

    /// <summary>Does something, says so, and reads anew; or says what was wrong.</summary>
    protected async Task<T?> DoAsync<T>(Task<ApiResult<T>> call, string? done)
        where T : class
    {
        (Message, Refusal) = (null, null);
        var result = await call;
        (Message, Refusal) = (result.Value is null ? null : done, Explain(result));
        if (result.Value is not null)
        {
            await LoadAsync();
        }

        return result.Value;
    }

    /// <summary>Follows what goes on, stream after stream, until it has ended, can't be read, or the page is closed; once at a time.</summary>
    /// <param name="isOpen">Whether it goes on.</param>
    /// <param name="stream">Shows each change, until the stream ends.</param>
    /// <param name="read">Reads it once.</param>
    protected async Task FollowAsync(Func<bool> isOpen, Func<Task> stream, Func<Task> read)
    {
        if (Follows)
        {
            return;
        }

        Follows = true;
        try
        {
            while (isOpen() && Problem is null)
            {
                await stream();

                // A replica that stops ends its streams.
                if (isOpen())
                {
                    await Task.Delay(BetweenStreams, Time, Closed);
                    await read();
                    StateHasChanged();
                }
            }
        }
        catch (OperationCanceledException) when (Closed.IsCancellationRequested)
        {
            // The page was closed.
        }
        finally
        {
            Follows = false;
        }
    }

    /// <summary>What failed, for people, or null; a session that is over leads to the sign-in.</summary>
    protected string? Explain<T>(ApiResult<T> result)
        where T : class
    {
        if (result.Failure == ApiFailure.Unauthorized)
        {
            SignInAgain();
        }

        return result.Failure switch
        {
            null => null,
            ApiFailure.Forbidden =>
                $"The role {Session?.Role} of your API key may not do this. Ask an administrator for a key of another role.",
            ApiFailure.Unreachable => $"The API can't be reached. {result.Detail}",
            ApiFailure.TimedOut => $"The API did not answer in time. {result.Detail}",
            _ => result.Detail,
        };
    }

    /// <summary>Keeps filters in the address, without a navigation, which would make the page anew.</summary>
    protected async Task KeepInAddressAsync(params (string Name, string? Value)[] filters)
    {
        var values = filters.ToDictionary(
            filter => filter.Name, filter => (object?)(string.IsNullOrEmpty(filter.Value) ? null : filter.Value), StringComparer.Ordinal);
        await Browser.InvokeVoidAsync("history.replaceState", Closed, null, "", Navigation.GetUriWithQueryParameters(values));
    }

    private void SignInAgain()
    {
        var here = "/" + Navigation.ToBaseRelativePath(Navigation.Uri);
        Navigation.NavigateTo(SignInSetup.PageUri(here, expired: true), forceLoad: true);
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _closed.Cancel();
            _closed.Dispose();
        }
    }
}
