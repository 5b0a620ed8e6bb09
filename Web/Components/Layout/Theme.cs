namespace InferenceTemplate.Web.Components.Layout;

/// <summary>
/// Light, dark, or as the system prefers. The choice is a cookie, so that the server sends the right style sheet at once and nothing
/// flashes; site.js writes it.
/// </summary>
internal static class Theme
{
    public const string System = "system";
    public const string Light = "light";
    public const string Dark = "dark";
    private const string Cookie = "theme";

    public static string Of(HttpContext? context) =>
        context?.Request.Cookies[Cookie] is Light or Dark ? context.Request.Cookies[Cookie]! : System;

    /// <summary>The media query under which the style sheets of <paramref name="theme"/> count.</summary>
    public static string Media(string theme, string choice) => choice switch
    {
        System => $"(prefers-color-scheme: {theme})",
        _ when choice == theme => "all",
        _ => "not all",
    };
}
