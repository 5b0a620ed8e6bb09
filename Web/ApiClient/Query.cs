namespace InferenceTemplate.Web.ApiClient;

/// <summary>Addresses with a query, from what was given only.</summary>
internal static class Query
{
    /// <summary>
    /// Reads a flag. Pages take every value of a query as text and read it so: Blazor ends a page whose address has what is no flag or number.
    /// </summary>
    public static bool IsTrue(string? value) => bool.TryParse(value, out var flag) && flag;

    public static string Of(string path, params ReadOnlySpan<(string Name, string? Value)> values)
    {
        var separator = '?';
        foreach (var (name, value) in values)
        {
            if (!string.IsNullOrEmpty(value))
            {
                path += $"{separator}{name}={Uri.EscapeDataString(value)}";
                separator = '&';
            }
        }

        return path;
    }
}
