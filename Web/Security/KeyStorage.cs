using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace InferenceTemplate.Web.Security;

internal static class KeyStorage
{
    /// <summary>
    /// The keys that encrypt the session cookie and the antiforgery tokens. With <c>DataProtection:KeysDirectory</c> they are kept in
    /// that folder, which replicas must share and only they may read: the keys are files in the clear. With <c>DataProtection:Secret</c>
    /// they are derived from it and kept nowhere. Without either, each start on a machine with no profile folder makes its own, and
    /// everybody signs in again.
    /// </summary>
    public static void AddKeyStorage(this IHostApplicationBuilder builder)
    {
        // The name keeps replicas that run from different paths compatible.
        var protection = builder.Services.AddDataProtection().SetApplicationName("InferenceTemplate.Web");
        if (builder.Configuration["DataProtection:Secret"] is { Length: > 0 } secrets)
        {
            var keys = new SecretKeyRing(secrets);
            protection.DisableAutomaticKeyGeneration();
            builder.Services.Configure<KeyManagementOptions>(options => options.XmlRepository = keys);
        }
        else if (builder.Configuration["DataProtection:KeysDirectory"] is { Length: > 0 } directory)
        {
            protection.PersistKeysToFileSystem(Directory.CreateDirectory(directory));
        }
    }
}
