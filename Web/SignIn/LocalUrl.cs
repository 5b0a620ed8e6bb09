namespace InferenceTemplate.Web.SignIn;

/// <summary>Keeps a return address inside this site: an open redirect would lend our name to somebody else's page.</summary>
internal static class LocalUrl
{
    /// <summary>The address itself when it is a path of this site other than the sign-in page, else "/".</summary>
    public static string OrHome(string? url)
    {
        // "//host" and "/\host" are other sites to a browser, which also drops tabs and line breaks before it looks.
        var local = url is ['/', ..] and not ['/', '/' or '\\', ..] && !url.Any(char.IsControl);
        return local && !url!.StartsWith(SignInSetup.Path, StringComparison.OrdinalIgnoreCase) ? url! : "/";
    }
}
