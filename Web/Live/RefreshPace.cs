using Microsoft.JSInterop;

namespace InferenceTemplate.Web.Live;

/// <summary>How often pages read again in this browser, as its reader chose; site.js keeps the choice.</summary>
internal enum RefreshPace
{
    /// <summary>As often as each page wants to.</summary>
    Live,

    /// <summary>Every ten seconds at most.</summary>
    Calm,

    /// <summary>When the page is opened.</summary>
    Off,
}

internal static class RefreshPaces
{
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(10);

    public static async Task<RefreshPace> ReadAsync(IJSRuntime browser, CancellationToken cancellationToken)
    {
        try
        {
            return await browser.InvokeAsync<string>("dashboardChoice", cancellationToken, "refresh") switch
            {
                "calm" => RefreshPace.Calm,
                "off" => RefreshPace.Off,
                _ => RefreshPace.Live,
            };
        }
        catch (JSDisconnectedException)
        {
            // The page was closed.
            return RefreshPace.Off;
        }
    }

    /// <summary>How long a page waits that would wait so long; null where it does not read again.</summary>
    public static TimeSpan? Of(this RefreshPace pace, TimeSpan wanted) => pace switch
    {
        RefreshPace.Off => null,
        RefreshPace.Calm when wanted < Calm => Calm,
        _ => wanted,
    };
}
