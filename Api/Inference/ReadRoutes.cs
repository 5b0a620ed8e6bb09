namespace InferenceTemplate.Api.Inference;

/// <summary>Routes that only tell something: <c>HEAD</c> is answered as <c>GET</c> is, without a body (RFC 9110, section 9.3.2).</summary>
internal static class ReadRoutes
{
    private static readonly string[] Head = [HttpMethods.Head];

    /// <param name="anonymous">Whether callers need not say who they are.</param>
    public static RouteHandlerBuilder MapRead(
        this IEndpointRouteBuilder endpoints, string pattern, Delegate handler, bool anonymous = false)
    {
        var head = endpoints.MapMethods(pattern, Head, handler).ExcludeFromDescription();
        var get = endpoints.MapGet(pattern, handler);
        if (anonymous)
        {
            head.AllowAnonymous();
            get.AllowAnonymous();
        }

        return get;
    }
}
