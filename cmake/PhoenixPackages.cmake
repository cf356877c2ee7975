# Two Debian packages: `cpack -G DEB` in the build folder writes phoenix-runtime (gateway, node, load,
# units) and phoenix-lab (simulator, local world, scenarios). The runtime links no SimGrid.

set(CPACK_PACKAGE_NAME phoenix)
set(CPACK_PACKAGE_VENDOR "The Phoenix developers")
set(CPACK_PACKAGE_CONTACT "phoenix@localhost")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime lab)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME phoenix-runtime)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "Gateway, node and load source of Phoenix\n Routes HTTP and framed requests to a cluster of nodes with a chosen strategy.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION net)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS passwd)  # useradd, in postinst
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/runtime/deploy/postinst;${PROJECT_SOURCE_DIR}/runtime/deploy/prerm")

set(CPACK_DEBIAN_LAB_PACKAGE_NAME phoenix-lab)
set(CPACK_COMPONENT_LAB_DESCRIPTION
    "Cluster simulator of Phoenix\n Plays scenario files on a simulated cluster, or on local processes.")
set(CPACK_DEBIAN_LAB_PACKAGE_SECTION science)
set(CPACK_DEBIAN_LAB_PACKAGE_DEPENDS "phoenix-runtime (= ${PROJECT_VERSION})")

# Packs what has been built, tests or not.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
include(CPack)
