namespace InferenceTemplate.Web.Security;

internal static class ErrorPages
{
    /// <summary>Pages for what went wrong; in Development the exception page takes the place of the error page.</summary>
    public static void UseErrorPages(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment())
        {
            app.UseExceptionHandler("/error", createScopeForErrors: true);
            app.UseHsts();
        }

        app.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true);
    }
}
